#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "target/controller.h"
#include "target/test_target.h"
#include "wire/log_page.h"
#include "wire/nqn.h"
#include "wire/opcodes.h"

namespace weft::target {
namespace {

using namespace wire::status;
using wire::LogId;

class LogPages : public testing::Test {
 protected:
  template <class T>
  T read(LogId lid, bool rae = false) {
    T page{};
    EXPECT_TRUE(
        host->get_log({.lid = static_cast<std::uint8_t>(lid), .rae = rae}, wire::writable_bytes_of(page))
            .ok())
        << name(lid);
    return page;
  }
  fabric::FakeHost::Answer ask(wire::GetLogPage command, std::size_t bytes = 512) {
    data.assign(bytes, std::byte{0xEE});
    return host->get_log(command, data);
  }

  TestTarget target;
  std::unique_ptr<fabric::FakeHost> host = target.connect();
  std::vector<std::byte> data;
};

constexpr std::uint8_t id(LogId lid) {
  return static_cast<std::uint8_t>(lid);
}

TEST_F(LogPages, AreListedAndReadable) {
  const auto pages = read<wire::SupportedLogPages>(LogId::supported_log_pages);
  unsigned listed = 0;
  for (unsigned lid = 0; lid < 256; ++lid) {
    const bool supported = pages.lid[lid] != 0;
    listed += supported ? 1 : 0;
    const auto answer = ask({.lid = static_cast<std::uint8_t>(lid)});
    if (supported)
      EXPECT_TRUE(answer.ok()) << lid;
    else
      EXPECT_TRUE(answer.is(kInvalidLogPage)) << lid;
  }
  EXPECT_EQ(listed, 8u);
}

TEST_F(LogPages, OfErrorsNameTheCommandAndTheField) {
  wire::Sqe sqe = wire::make_identify({.nsid = Nsid(0), .cns = 0xBF});
  ASSERT_FALSE(host->execute(host->admin(), sqe, {.in = data}).ok());
  struct Page {
    wire::ErrorInformation entry[64];
  };
  const auto page = read<Page>(LogId::error_information);
  EXPECT_EQ(page.entry[0].error_count, 1u);
  EXPECT_EQ(page.entry[0].sqid, 0);
  EXPECT_EQ(wire::Status::decode(page.entry[0].status), kInvalidField.with_dnr());
  EXPECT_EQ(page.entry[0].parameter_error_location, wire::admin_field::kCns);
  EXPECT_EQ(page.entry[0].opcode, static_cast<std::uint8_t>(wire::AdminOpcode::identify));
  EXPECT_EQ(page.entry[1].error_count, 0u);
}

TEST_F(LogPages, OfHealthCountTheDataThatMoved) {
  target.add_namespace(1, 4096);
  ASSERT_TRUE(host->connect_io(Qid(1), target.loops[1]).ok());
  std::vector<std::byte> block(8 * 512);
  ASSERT_TRUE(host->write(Nsid(1), {.slba = 0, .blocks = 8}, block).ok());
  ASSERT_TRUE(host->read(Nsid(1), {.slba = 0, .blocks = 8}, block).ok());
  ASSERT_TRUE(host->read(Nsid(1), {.slba = 8, .blocks = 8}, block).ok());
  const auto smart = read<wire::SmartLog>(LogId::smart);
  EXPECT_EQ(smart.host_read_commands.low, 2u);
  EXPECT_EQ(smart.host_write_commands.low, 1u);
  EXPECT_EQ(smart.data_units_read.low, 1u);
  EXPECT_EQ(smart.data_units_written.low, 1u);
  EXPECT_EQ(smart.available_spare, 100);
  EXPECT_EQ(smart.critical_warning, 0);
  EXPECT_EQ(smart.composite_temperature, kCompositeKelvin);
}

TEST_F(LogPages, OfHealthKnowHowLongItRuns) {
  target.loops.advance(std::chrono::hours(3));
  EXPECT_EQ(read<wire::SmartLog>(LogId::smart).power_on_hours.low, 3u);
}

TEST_F(LogPages, OfFirmwareHaveOneSlot) {
  const auto log = read<wire::FirmwareSlotLog>(LogId::firmware_slot);
  EXPECT_EQ(log.afi, 1);
  EXPECT_EQ(wire::read_padded(log.frs[0]), target.subsystem->settings().firmware);
}

TEST_F(LogPages, OfChangesAreEmptiedByReading) {
  target.add_namespace(4);
  target.add_namespace(2);
  for (const bool rae : {true, false}) {
    const auto list = read<wire::ChangedNamespaceList>(LogId::changed_namespace_list, rae);
    EXPECT_EQ(list.nsid[0], 2u);
    EXPECT_EQ(list.nsid[1], 4u);
    EXPECT_EQ(list.nsid[2], 0u);
  }
  EXPECT_EQ(read<wire::ChangedNamespaceList>(LogId::changed_namespace_list).nsid[0], 0u);
}

TEST_F(LogPages, OfChangesUnmaskTheEvent) {
  const auto feature = static_cast<std::uint8_t>(wire::FeatureId::async_event_configuration);
  ASSERT_TRUE(
      host->set_features({.fid = feature, .cdw11 = wire::AsyncEventConfiguration::kNamespaceAttribute}).ok());
  auto& first = host->send_async_event_request();
  auto& second = host->send_async_event_request();
  target.add_namespace(1);
  EXPECT_TRUE(first.completed());
  read<wire::ChangedNamespaceList>(LogId::changed_namespace_list, true);
  target.add_namespace(2);
  EXPECT_FALSE(second.finished()) << "the event was retained";
  read<wire::ChangedNamespaceList>(LogId::changed_namespace_list);
  target.add_namespace(3);
  EXPECT_TRUE(second.completed());
}

TEST_F(LogPages, OfEffectsAreTheTables) {
  const auto log = read<wire::CommandEffectsLog>(LogId::commands_supported_and_effects);
  for (unsigned opcode = 0; opcode < 256; ++opcode) {
    const auto* admin = admin_commands().find(static_cast<std::uint8_t>(opcode));
    const auto* io = io_commands().find(static_cast<std::uint8_t>(opcode));
    if (opcode == wire::kFabricsOpcode) continue;
    EXPECT_EQ(log.admin[opcode], admin != nullptr ? admin->effects : 0u) << opcode;
    EXPECT_EQ(log.io[opcode], io != nullptr ? io->effects : 0u) << opcode;
  }
  const auto write = static_cast<std::uint8_t>(wire::IoOpcode::write);
  EXPECT_EQ(log.io[write], wire::command_effect::kSupported | wire::command_effect::kBlockContent);
}

TEST_F(LogPages, OfFeaturesNameThose) {
  const auto log = read<wire::FeatureEffectsLog>(LogId::feature_effects);
  EXPECT_NE(log.fid[static_cast<std::uint8_t>(wire::FeatureId::number_of_queues)], 0u);
  EXPECT_EQ(log.fid[static_cast<std::uint8_t>(wire::FeatureId::timestamp)], 0u);
}

TEST_F(LogPages, ComeInPieces) {
  const auto whole = read<wire::SupportedLogPages>(LogId::supported_log_pages);
  std::array<std::byte, sizeof(whole)> pieces{};
  for (std::size_t offset = 0; offset < pieces.size(); offset += 256) {
    const auto into = std::span(pieces).subspan(offset, 256);
    ASSERT_TRUE(host->get_log({.lid = id(LogId::supported_log_pages), .offset = offset}, into).ok());
  }
  EXPECT_TRUE(std::ranges::equal(pieces, wire::bytes_of(whole)));
}

TEST_F(LogPages, EndInZeroes) {
  constexpr std::size_t kSize = sizeof(wire::SupportedLogPages);
  ASSERT_TRUE(ask({.lid = id(LogId::supported_log_pages), .offset = kSize - 4}, 64).ok());
  EXPECT_EQ(data, std::vector<std::byte>(64));
  ASSERT_TRUE(ask({.lid = id(LogId::supported_log_pages), .offset = kSize}, 64).ok());
  EXPECT_EQ(data, std::vector<std::byte>(64));
}

TEST_F(LogPages, RefuseWhatCannotBe) {
  struct Case {
    const char* what;
    wire::GetLogPage command;
    wire::Status status;
  };
  const Case kCases[] = {
      {"no such page", {.lid = 0x42}, kInvalidLogPage},
      {"discovery on an I/O controller", {.lid = id(LogId::discovery)}, kInvalidLogPage},
      {"an offset beyond the page", {.lid = id(LogId::smart), .offset = 516}, kInvalidField},
      {"a very great offset", {.lid = id(LogId::smart), .offset = ~std::uint64_t{3}}, kInvalidField},
      {"an odd offset", {.lid = id(LogId::smart), .offset = 2}, kInvalidField},
      {"an index", {.lid = id(LogId::smart), .offset = 1, .offset_is_index = true}, kInvalidField},
      {"one namespace's health", {.nsid = Nsid(1), .lid = id(LogId::smart)}, kInvalidField},
      {"effects of zoned", {.lid = id(LogId::commands_supported_and_effects), .csi = 2}, kInvalidField},
  };
  for (const Case& c : kCases) {
    const auto answer = ask(c.command);
    EXPECT_TRUE(answer.is(c.status)) << c.what << ": " << name(answer.status());
    EXPECT_TRUE(answer.status().dnr) << c.what;
  }
}

TEST_F(LogPages, AreNoLongerThanMdts) {
  const std::size_t most = target.subsystem->settings().mdts_bytes;
  EXPECT_TRUE(ask({.lid = id(LogId::smart)}, most).ok());
  EXPECT_TRUE(ask({.lid = id(LogId::smart)}, most + 4).is(kInvalidField));
}

TEST_F(LogPages, NeedRoomForWhatIsAsked) {
  std::vector<std::byte> small(256);
  const wire::Sqe sqe = wire::make_get_log_page({.lid = id(LogId::smart), .length = 512});
  EXPECT_TRUE(host->execute(host->admin(), sqe, {.in = small}).is(kDataSglLengthInvalid));
}

}  // namespace
}  // namespace weft::target
