#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "target/controller.h"
#include "target/test_target.h"
#include "wire/features.h"
#include "wire/log_page.h"
#include "wire/nqn.h"

namespace weft::target {
namespace {

using namespace wire::status;
using wire::SubsystemType;

constexpr auto kLid = static_cast<std::uint8_t>(wire::LogId::discovery);

struct Log {
  wire::DiscoveryLogHeader header{};
  std::vector<wire::DiscoveryLogEntry> entries;
};

// As hosts do: the header, then the entries one by one, then the header again.
Log read_log(fabric::FakeHost& host) {
  Log log;
  EXPECT_TRUE(host.get_log({.lid = kLid}, wire::writable_bytes_of(log.header)).ok());
  for (std::uint64_t i = 0; i < log.header.numrec; ++i) {
    wire::DiscoveryLogEntry entry{};
    EXPECT_TRUE(host.get_log({.lid = kLid, .offset = 1024 * (i + 1)}, wire::writable_bytes_of(entry)).ok());
    log.entries.push_back(entry);
  }
  wire::DiscoveryLogHeader again{};
  EXPECT_TRUE(host.get_log({.lid = kLid}, wire::writable_bytes_of(again)).ok());
  EXPECT_EQ(again.genctr, log.header.genctr);
  return log;
}

// "nvm 1 127.0.0.1:4420 NQN" of each entry but the first.
std::vector<std::string> offers(fabric::FakeHost& host) {
  std::vector<std::string> lines;
  for (const auto& entry : read_log(host).entries) {
    const auto type = static_cast<SubsystemType>(entry.subtype);
    if (type == SubsystemType::current_discovery) continue;
    lines.push_back((type == SubsystemType::nvm ? "nvm " : "referral ") + std::to_string(entry.portid) + " " +
                    std::string(wire::read_padded(entry.traddr)) + ":" +
                    std::string(wire::read_padded(entry.trsvcid)) + " " +
                    std::string(wire::read_terminated(entry.subnqn).value_or("?")));
  }
  return lines;
}

using Lines = std::vector<std::string>;
const std::string kNqn = kTestNqn;

TEST(Discovery, IdentifiesItself) {
  TestTarget target;
  const auto host = target.connect_discovery();
  wire::IdentifyController id{};
  ASSERT_TRUE(host->identify_controller(id).ok());
  EXPECT_EQ(id.cntrltype, static_cast<std::uint8_t>(wire::ControllerType::discovery));
  EXPECT_EQ(wire::read_terminated(id.subnqn), wire::kDiscoveryNqn);
  EXPECT_EQ(id.cntlid, host->cntlid().value());
  EXPECT_EQ(id.oaes, wire::AsyncEventConfiguration::kDiscoveryLogChange);
  EXPECT_NE(id.lpa & wire::kLpaExtendedData, 0);
  EXPECT_NE(id.kas, 0);
  EXPECT_EQ(id.nn, 0u);
}

TEST(Discovery, NamesItselfAndTheSubsystemsOfThePort) {
  TestTarget target;
  const auto host = target.connect_discovery();
  const Log log = read_log(*host);
  ASSERT_EQ(log.entries.size(), 2u);
  EXPECT_EQ(log.header.recfmt, 0);
  EXPECT_EQ(log.header.genctr, target.target.discovery_generation());
  const auto& self = log.entries[0];
  EXPECT_EQ(self.subtype, static_cast<std::uint8_t>(SubsystemType::current_discovery));
  EXPECT_EQ(wire::read_terminated(self.subnqn), wire::kDiscoveryNqn);
  EXPECT_EQ(self.eflags, wire::kEflagDuplicateReturned | wire::kEflagExplicitPersistent);
  const auto& entry = log.entries[1];
  EXPECT_EQ(entry.trtype, static_cast<std::uint8_t>(wire::TransportType::tcp));
  EXPECT_EQ(entry.adrfam, static_cast<std::uint8_t>(wire::AddressFamily::ipv4));
  EXPECT_EQ(entry.subtype, static_cast<std::uint8_t>(SubsystemType::nvm));
  EXPECT_EQ(entry.treq, wire::kTreqSqflowDisable);
  EXPECT_EQ(entry.cntlid, 0xFFFF);
  EXPECT_EQ(entry.asqsz, 32);
  EXPECT_EQ(entry.eflags, 0);
  EXPECT_EQ(entry.tsas[0], static_cast<std::uint8_t>(wire::TcpSecurity::none));
  EXPECT_EQ(offers(*host), Lines{"nvm 1 127.0.0.1:4420 " + kNqn});
}

TEST(Discovery, HidesWhatTheHostMayNotUse) {
  TestTarget target;
  const auto closed = *target.target.add_subsystem("nqn.2014-08.org.weft:closed");
  target.port->link(closed);
  const auto host = target.connect_discovery();
  EXPECT_EQ(offers(*host), Lines{"nvm 1 127.0.0.1:4420 " + kNqn});
  ASSERT_TRUE(closed->add_host(fabric::FakeHost::Options().hostnqn));
  EXPECT_EQ(offers(*host),
            (Lines{"nvm 1 127.0.0.1:4420 nqn.2014-08.org.weft:closed", "nvm 1 127.0.0.1:4420 " + kNqn}));
}

TEST(Discovery, GivesTheAddressThatWorksForThisHost) {
  struct Case {
    const char* what;
    std::string traddr;
    std::optional<Advertised> advertised;
    fabric::Path path;
    std::string expected;
    wire::AddressFamily family;
  };
  const fabric::Path kReached{.traddr = "10.1.2.3", .trsvcid = "4421"};
  const fabric::Path kReached6{.adrfam = wire::AddressFamily::ipv6, .traddr = "fd00::7", .trsvcid = "4421"};
  const Case kCases[] = {
      {"its own", "10.0.0.5", {}, kReached, "10.0.0.5:4420", wire::AddressFamily::ipv4},
      {"the reached one", "0.0.0.0", {}, kReached, "10.1.2.3:4421", wire::AddressFamily::ipv4},
      {"the reached one of IPv6", "::", {}, kReached6, "fd00::7:4421", wire::AddressFamily::ipv6},
      {"the advertised one", "0.0.0.0", Advertised{"192.0.2.1", "9"}, kReached, "192.0.2.1:9",
       wire::AddressFamily::ipv4},
      {"an advertised one of IPv6", "10.0.0.5", Advertised{"2001:db8::1", "9"}, kReached, "2001:db8::1:9",
       wire::AddressFamily::ipv6},
  };
  for (const Case& c : kCases) {
    TestTarget target({.id = PortId(1),
                       .adrfam = c.path.adrfam,
                       .traddr = c.traddr,
                       .trsvcid = "4420",
                       .advertised = c.advertised});
    const auto host = target.connect_discovery({.path = c.path});
    EXPECT_EQ(offers(*host), Lines{"nvm 1 " + c.expected + " " + kNqn}) << c.what;
    for (const auto& entry : read_log(*host).entries)
      EXPECT_EQ(entry.adrfam, static_cast<std::uint8_t>(c.family)) << c.what;
  }
}

TEST(Discovery, ListsAllPortsOnADiscoveryPort) {
  TestTarget target({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "8009"});
  target.port->list_all(true);
  target.port->unlink(*target.subsystem);
  const auto add = [&](std::uint16_t portid, const char* traddr, wire::AddressFamily family) {
    const auto port = *target.target.add_port(
        {.id = PortId(portid), .adrfam = family, .traddr = traddr, .trsvcid = "4420"});
    port->link(target.subsystem);
  };
  add(2, "10.0.0.5", wire::AddressFamily::ipv4);
  add(3, "0.0.0.0", wire::AddressFamily::ipv4);
  add(4, "::", wire::AddressFamily::ipv6);  // the host came by IPv4: no address of this port is known
  const auto host = target.connect_discovery({.path = {.traddr = "10.1.2.3", .trsvcid = "8009"}});
  EXPECT_EQ(offers(*host), (Lines{"nvm 2 10.0.0.5:4420 " + kNqn, "nvm 3 10.1.2.3:4420 " + kNqn}));
}

TEST(Discovery, RefersToOthers) {
  TestTarget target;
  ASSERT_TRUE(target.target.add_referral(
      {.name = "peer", .traddr = "192.0.2.9", .trsvcid = "8009", .portid = PortId(77)}));
  const auto host = target.connect_discovery();
  EXPECT_EQ(offers(*host), (Lines{"nvm 1 127.0.0.1:4420 " + kNqn,
                                  "referral 77 192.0.2.9:8009 " + std::string(wire::kDiscoveryNqn)}));
}

TEST(Discovery, AnswersUnderItsOwnNameToo) {
  TestTarget target;
  const std::string own = "nqn.2026-01.io.example:discovery";
  const auto before = target.target.discovery_generation();
  ASSERT_TRUE(target.target.set_discovery_nqn(own));
  EXPECT_GT(target.target.discovery_generation(), before);
  for (const std::string& name : {own, std::string(wire::kDiscoveryNqn)}) {
    const auto host = target.connect({.subnqn = name});
    wire::IdentifyController id{};
    ASSERT_TRUE(host->identify_controller(id).ok()) << name;
    EXPECT_EQ(id.cntrltype, static_cast<std::uint8_t>(wire::ControllerType::discovery));
    EXPECT_EQ(wire::read_terminated(id.subnqn), own);
    EXPECT_EQ(wire::read_terminated(read_log(*host).entries[0].subnqn), own);
  }
}

TEST(Discovery, ItsNameIsNoSubsystems) {
  TestTarget target;
  EXPECT_EQ(target.target.set_discovery_nqn(kNqn).error().code, EEXIST);
  EXPECT_EQ(target.target.set_discovery_nqn("").error().code, EINVAL);
  EXPECT_EQ(target.target.set_discovery_nqn(std::string(223, 'n')).error().code, EINVAL);
  EXPECT_EQ(target.target.discovery_nqn(), wire::kDiscoveryNqn);
  // A name that merely begins with another is another.
  ASSERT_TRUE(target.target.set_discovery_nqn(kNqn + "2"));
  ASSERT_TRUE(target.target.set_discovery_nqn(std::string(222, 'n')));
  EXPECT_EQ(target.target.add_subsystem(std::string(222, 'n')).error().code, EINVAL);
  EXPECT_EQ(target.target.add_subsystem(std::string(wire::kDiscoveryNqn)).error().code, EINVAL);
  ASSERT_TRUE(target.target.set_discovery_nqn(std::string(wire::kDiscoveryNqn)));
  EXPECT_TRUE(target.target.add_subsystem(std::string(222, 'n')));
}

TEST(Discovery, CountsChangesAndTellsOfThem) {
  TestTarget target;
  const auto host = target.connect_discovery();
  const auto fid = static_cast<std::uint8_t>(wire::FeatureId::async_event_configuration);
  ASSERT_TRUE(
      host->set_features({.fid = fid, .cdw11 = wire::AsyncEventConfiguration::kDiscoveryLogChange}).ok());
  auto& event = host->send_async_event_request();
  const Log before = read_log(*host);
  target.port->unlink(*target.subsystem);
  target.loops.run_until_idle();
  ASSERT_TRUE(event.completed());
  EXPECT_EQ(wire::AsyncEvent::decode(event.cqe().dw0()), wire::kDiscoveryChangeEvent);
  const Log after = read_log(*host);
  EXPECT_GT(after.header.genctr, before.header.genctr);
  EXPECT_EQ(after.header.numrec, 1u);
}

TEST(Discovery, ComesWholeAndEndsInZeroes) {
  TestTarget target;
  const auto host = target.connect_discovery();
  std::vector<std::byte> whole(4096, std::byte{0xEE});
  ASSERT_TRUE(host->get_log({.lid = kLid}, whole).ok());
  EXPECT_EQ(wire::load<wire::DiscoveryLogHeader>(whole)->numrec, 2u);
  EXPECT_TRUE(
      std::ranges::all_of(std::span(whole).subspan(3072), [](std::byte b) { return b == std::byte{}; }));
  EXPECT_TRUE(host->get_log({.lid = kLid, .offset = 3076}, whole).is(kInvalidField));
}

TEST(Discovery, HasItsKeepAliveTime) {
  TestTarget target;
  const auto host = target.connect_discovery();
  const wire::GetFeatures command{.fid = static_cast<std::uint8_t>(wire::FeatureId::keep_alive_timer)};
  EXPECT_EQ(host->get_features(command).dw0(), 120'000u);
  EXPECT_TRUE(host->keep_alive().ok());
}

TEST(Discovery, RefusesWhatItDoesNotHave) {
  TestTarget target;
  target.add_namespace(1);
  const auto host = target.connect_discovery();
  std::vector<std::byte> page(4096);
  EXPECT_TRUE(host->identify({.nsid = Nsid(1), .cns = 0}, page).is(kInvalidField));
  EXPECT_TRUE(host->get_log({.lid = 2}, page).is(kInvalidLogPage));
  EXPECT_TRUE(host->get_features({.fid = 7}).is(kInvalidField));
  const auto fid = static_cast<std::uint8_t>(wire::FeatureId::async_event_configuration);
  EXPECT_TRUE(host->set_features({.fid = fid, .cdw11 = wire::AsyncEventConfiguration::kNamespaceAttribute})
                  .is(kInvalidField));
  EXPECT_TRUE(host->abort(Qid(0), Cid(1)).is(kInvalidOpcode));
}

}  // namespace
}  // namespace weft::target
