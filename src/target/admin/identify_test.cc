#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

#include "target/controller.h"
#include "target/test_target.h"
#include "wire/identify.h"
#include "wire/nqn.h"

namespace weft::target {
namespace {

using namespace wire::status;
using wire::IdentifyCns;

class Identify : public testing::Test {
 protected:
  fabric::FakeHost::Answer ask(IdentifyCns cns, std::uint32_t nsid = 0, std::uint8_t csi = 0,
                               std::uint16_t cntid = 0) {
    page.fill(std::byte{0xEE});
    return host->identify(
        {.nsid = Nsid(nsid), .cns = static_cast<std::uint8_t>(cns), .cntid = Cntlid(cntid), .csi = csi},
        page);
  }
  template <class T>
  T as() {
    return *wire::load<T>(page);
  }
  bool page_is_zero() const { return page == std::array<std::byte, wire::kIdentifySize>{}; }
  std::vector<std::uint32_t> listed() {
    const auto list = as<wire::NamespaceList>();
    std::vector<std::uint32_t> nsids;
    for (const auto& nsid : list.nsid)
      if (nsid != 0) nsids.push_back(nsid);
    return nsids;
  }

  TestTarget target;
  std::unique_ptr<fabric::FakeHost> host = target.connect();
  std::array<std::byte, wire::kIdentifySize> page{};
};

TEST_F(Identify, TellsAHostOfTheController) {
  ASSERT_TRUE(ask(IdentifyCns::controller).ok());
  const auto id = as<wire::IdentifyController>();
  const SubsystemSettings settings = target.subsystem->settings();
  EXPECT_EQ(id.cntlid, host->cntlid().value());
  EXPECT_EQ(wire::read_padded(id.sn), settings.serial);
  EXPECT_EQ(wire::read_padded(id.mn), settings.model);
  EXPECT_EQ(wire::read_padded(id.fr), settings.firmware);
  EXPECT_EQ(wire::read_terminated(id.subnqn), kTestNqn);
  EXPECT_EQ(id.cntrltype, static_cast<std::uint8_t>(wire::ControllerType::io));
  EXPECT_EQ(id.ver, wire::kVersion21.encode());
}

// What a Linux host refuses a controller for.
TEST_F(Identify, MeetsWhatHostsDemandOfAController) {
  ASSERT_TRUE(ask(IdentifyCns::controller).ok());
  const auto id = as<wire::IdentifyController>();
  EXPECT_NE(id.kas, 0);
  EXPECT_EQ(id.ioccsz, (64 + target.subsystem->settings().in_capsule_bytes) / 16);
  EXPECT_EQ(id.iorcsz, 1u);
  EXPECT_EQ(id.icdoff, 0);
  EXPECT_NE(id.sgls & 3u, 0u);
  EXPECT_EQ(id.cmic, wire::kCmicMultiPort | wire::kCmicMultiController | wire::kCmicAna);
  EXPECT_LE(id.mnan, id.nn);
  EXPECT_EQ(4096u << id.mdts, target.subsystem->settings().mdts_bytes);
  EXPECT_EQ(id.sqes, 0x66);
  EXPECT_EQ(id.cqes, 0x44);
  EXPECT_NE(id.wctemp, 0);
  EXPECT_NE(id.cctemp, 0);
}

TEST_F(Identify, HasARoomyNnForGreatNsids) {
  target.add_namespace(70000);
  ASSERT_TRUE(ask(IdentifyCns::controller).ok());
  EXPECT_EQ(as<wire::IdentifyController>().nn, 70000u);
}

TEST_F(Identify, TellsOfANamespace) {
  target.add_namespace(1, 1024, 512);
  target.add_namespace(2, 77, 4096, true);
  ASSERT_TRUE(ask(IdentifyCns::ns, 1).ok());
  auto id = as<wire::IdentifyNamespace>();
  EXPECT_EQ(id.nsze, 1024u);
  EXPECT_EQ(id.ncap, 1024u);
  EXPECT_EQ(id.nuse, 1024u);
  EXPECT_EQ(id.lbaf[id.flbas].lbads, 9);
  EXPECT_EQ(id.nmic, wire::kNmicShared);
  EXPECT_EQ(id.nsattr, 0);
  const auto snapshot = target.subsystem->snapshot();
  EXPECT_EQ(0, std::memcmp(id.nguid, snapshot->find(Nsid(1))->nguid.data(), 16));

  ASSERT_TRUE(ask(IdentifyCns::ns, 2).ok());
  id = as<wire::IdentifyNamespace>();
  EXPECT_EQ(id.nsze, 77u);
  EXPECT_EQ(id.lbaf[id.flbas].lbads, 12);
  EXPECT_EQ(id.nsattr, wire::kNsattrWriteProtected);
}

TEST_F(Identify, HasTheFormatsOfAllNamespaces) {
  ASSERT_TRUE(ask(IdentifyCns::ns, kAllNamespaces.value()).ok());
  const auto id = as<wire::IdentifyNamespace>();
  EXPECT_EQ(id.nsze, 0u);
  EXPECT_EQ(id.nlbaf, 1);
  EXPECT_EQ(id.lbaf[0].lbads, 9);
  EXPECT_EQ(id.lbaf[1].lbads, 12);
}

TEST_F(Identify, SeesTheNewSize) {
  const auto backend = target.add_namespace(1, 100);
  backend->resize(200);
  target.loops.run_until_idle();
  ASSERT_TRUE(ask(IdentifyCns::ns, 1).ok());
  EXPECT_EQ(as<wire::IdentifyNamespace>().nsze, 200u);
}

TEST_F(Identify, ListsNamespacesAboveTheGivenOne) {
  for (const std::uint32_t nsid : {5u, 1u, 9u}) target.add_namespace(nsid);
  for (const auto cns : {IdentifyCns::active_ns_list, IdentifyCns::command_set_active_ns_list}) {
    ASSERT_TRUE(ask(cns).ok());
    EXPECT_EQ(listed(), (std::vector<std::uint32_t>{1, 5, 9}));
    ASSERT_TRUE(ask(cns, 5).ok());
    EXPECT_EQ(listed(), (std::vector<std::uint32_t>{9}));
    ASSERT_TRUE(ask(cns, 9).ok());
    EXPECT_TRUE(page_is_zero());
  }
}

TEST_F(Identify, GivesTheIdentifiersOfANamespace) {
  target.add_namespace(3);
  ASSERT_TRUE(ask(IdentifyCns::ns_id_descriptors, 3).ok());
  const auto snapshot = target.subsystem->snapshot();
  const NamespaceInfo& info = *snapshot->find(Nsid(3));
  std::array<std::byte, wire::kIdentifySize> expected{};
  wire::NamespaceIdWriter writer(expected);
  writer.add_uuid(info.uuid.bytes);
  writer.add_nguid(info.nguid);
  writer.add_csi(wire::CommandSet::nvm);
  EXPECT_EQ(page, expected);
}

TEST_F(Identify, SaysThatANamespaceIsReady) {
  target.add_namespace(1, 1024, 512, true);
  ASSERT_TRUE(ask(IdentifyCns::independent_ns, 1).ok());
  const auto id = as<wire::IdentifyIndependentNamespace>();
  EXPECT_EQ(id.nstat, wire::kNstatReady);
  EXPECT_EQ(id.nmic, wire::kNmicShared);
  EXPECT_EQ(id.nsattr, wire::kNsattrWriteProtected);
  EXPECT_EQ(id.nsfeat, wire::kIndependentNsfeatVwcNotPresent);
}

TEST_F(Identify, ListsControllersFromTheGivenOne) {
  const auto other = target.connect({.subnqn = kTestNqn, .hostnqn = "nqn.2014-08.org.weft:other"});
  target.add_namespace(1);
  const auto low = std::min(host->cntlid(), other->cntlid());
  const auto high = std::max(host->cntlid(), other->cntlid());
  ASSERT_TRUE(ask(IdentifyCns::controller_list).ok());
  auto list = as<wire::ControllerList>();
  EXPECT_EQ(list.count, 2);
  EXPECT_EQ(list.cntlid[0], low.value());
  EXPECT_EQ(list.cntlid[1], high.value());
  ASSERT_TRUE(ask(IdentifyCns::ns_controller_list, 1, 0, high.value()).ok());
  list = as<wire::ControllerList>();
  EXPECT_EQ(list.count, 1);
  EXPECT_EQ(list.cntlid[0], high.value());
}

TEST_F(Identify, HasOneCommandSet) {
  ASSERT_TRUE(ask(IdentifyCns::command_set_list, 0, 0, kDynamicController.value()).ok());
  EXPECT_EQ(as<wire::CommandSetList>().combination[0], 1u);
  EXPECT_EQ(as<wire::CommandSetList>().combination[1], 0u);
}

TEST_F(Identify, AnswersZeroesOfWhatIsNotThere) {
  for (const auto cns : {IdentifyCns::ns, IdentifyCns::command_set_ns, IdentifyCns::independent_ns}) {
    ASSERT_TRUE(ask(cns, 12).ok()) << name(cns);
    EXPECT_TRUE(page_is_zero()) << name(cns);
  }
  ASSERT_TRUE(ask(IdentifyCns::command_set_controller).ok());
  EXPECT_TRUE(page_is_zero());
}

TEST_F(Identify, RefusesWhatCannotBe) {
  struct Case {
    const char* what;
    IdentifyCns cns;
    std::uint32_t nsid;
    std::uint8_t csi;
    std::uint16_t cntid;
    wire::Status status;
  };
  constexpr Case kCases[] = {
      {"nsid 0", IdentifyCns::ns, 0, 0, 0, kInvalidNamespace},
      {"nsid above NN", IdentifyCns::ns, 1025, 0, 0, kInvalidNamespace},
      {"independent, nsid 0", IdentifyCns::independent_ns, 0, 0, 0, kInvalidNamespace},
      {"independent, all", IdentifyCns::independent_ns, 0xFFFFFFFF, 0, 0, kInvalidNamespace},
      {"list from FFFFFFFEh", IdentifyCns::active_ns_list, 0xFFFFFFFE, 0, 0, kInvalidNamespace},
      {"list from FFFFFFFFh", IdentifyCns::active_ns_list, 0xFFFFFFFF, 0, 0, kInvalidNamespace},
      {"list of zoned", IdentifyCns::command_set_active_ns_list, 0, 2, 0, kInvalidField},
      {"descriptors, inactive", IdentifyCns::ns_id_descriptors, 4, 0, 0, kInvalidNamespace},
      {"descriptors, nsid 0", IdentifyCns::ns_id_descriptors, 0, 0, 0, kInvalidNamespace},
      {"zoned namespace", IdentifyCns::command_set_ns, 1, 2, 0, kInvalidField},
      {"zoned controller", IdentifyCns::command_set_controller, 0, 2, 0, kInvalidField},
      {"command sets of nobody", IdentifyCns::command_set_list, 0, 0, 60000, kInvalidField},
      {"controllers of no namespace", IdentifyCns::ns_controller_list, 7, 0, 0, kInvalidField},
      {"not supported", IdentifyCns::nvm_set_list, 0, 0, 0, kInvalidField},
      {"not defined", IdentifyCns{0xBF}, 0, 0, 0, kInvalidField},
  };
  for (const Case& c : kCases) {
    const auto answer = ask(c.cns, c.nsid, c.csi, c.cntid);
    EXPECT_TRUE(answer.is(c.status)) << c.what << ": " << name(answer.status());
    EXPECT_TRUE(answer.status().dnr) << c.what;
  }
}

TEST_F(Identify, NeedsRoomForThePage) {
  std::array<std::byte, 512> small{};
  const auto cns = static_cast<std::uint8_t>(IdentifyCns::controller);
  EXPECT_TRUE(host->identify({.cns = cns}, small).is(kDataSglLengthInvalid));
}

TEST_F(Identify, NeedsAnEnabledController) {
  const auto raw = target.make_host({.subnqn = kTestNqn}, *target.port);
  ASSERT_TRUE(raw->connect_admin().ok());
  wire::IdentifyController id{};
  EXPECT_TRUE(raw->identify_controller(id).is(kCommandSequenceError));
}

}  // namespace
}  // namespace weft::target
