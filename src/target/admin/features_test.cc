#include <gtest/gtest.h>

#include <cstring>

#include "target/controller.h"
#include "target/test_target.h"
#include "wire/features.h"

namespace weft::target {
namespace {

using namespace wire::status;
using wire::FeatureId;
using wire::FeatureSelect;
using Config = wire::AsyncEventConfiguration;

constexpr std::uint8_t id(FeatureId fid) {
  return static_cast<std::uint8_t>(fid);
}

class Features : public testing::Test {
 protected:
  fabric::FakeHost::Answer get(FeatureId fid, FeatureSelect select = FeatureSelect::current,
                               std::uint32_t cdw11 = 0) {
    return host->get_features({.fid = id(fid), .select = select, .cdw11 = cdw11});
  }
  fabric::FakeHost::Answer set(FeatureId fid, std::uint32_t cdw11) {
    return host->set_features({.fid = id(fid), .cdw11 = cdw11});
  }
  Controller& controller() { return *target.subsystem->find_controller(host->cntlid()); }

  TestTarget target;
  std::unique_ptr<fabric::FakeHost> host = target.connect();
};

TEST_F(Features, KeepWhatIsSetAndKnowTheirDefaults) {
  struct Case {
    FeatureId fid;
    std::uint32_t set;
    std::uint32_t current;
    std::uint32_t default_value;
  };
  constexpr Case kCases[] = {
      {FeatureId::arbitration, 0x01020304, 0x01020304, 0x07},
      {FeatureId::power_management, 0, 0, 0},
      {FeatureId::temperature_threshold, 350, 350, kWarningKelvin},
      {FeatureId::error_recovery, 17, 17, 0},
      {FeatureId::volatile_write_cache, 0, 0, 1},
      {FeatureId::number_of_queues, 0x00030003, 0x00030003, 0x007F007F},
      {FeatureId::write_atomicity, 1, 1, 0},
      {FeatureId::async_event_configuration, Config::kNamespaceAttribute | Config::kAnaChange | 0x1F,
       Config::kNamespaceAttribute | Config::kAnaChange | 0x1F, 0},
      {FeatureId::keep_alive_timer, 1500, 2000, 0},
      {FeatureId::io_command_set_profile, 0, 0, 0},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(get(c.fid).dw0(), c.default_value) << name(c.fid);
    EXPECT_TRUE(set(c.fid, c.set).ok()) << name(c.fid);
    EXPECT_EQ(get(c.fid).dw0(), c.current) << name(c.fid);
    EXPECT_EQ(get(c.fid, FeatureSelect::default_value).dw0(), c.default_value) << name(c.fid);
    EXPECT_EQ(get(c.fid, FeatureSelect::saved).dw0(), c.default_value) << name(c.fid);
    EXPECT_EQ(get(c.fid, FeatureSelect::supported).dw0(),
              (wire::FeatureCapabilities{.changeable = true}.encode()))
        << name(c.fid);
  }
}

TEST_F(Features, RefuseWhatCannotBeSet) {
  struct Case {
    const char* what;
    wire::SetFeatures command;
    wire::Status status;
  };
  const Case kCases[] = {
      {"no such feature", {.fid = 0x7F}, kInvalidField},
      {"saving", {.fid = id(FeatureId::arbitration), .save = true}, kFeatureNotSaveable},
      {"one namespace", {.nsid = Nsid(1), .fid = id(FeatureId::arbitration)}, kFeatureNotNamespaceSpecific},
      {"a power state", {.fid = id(FeatureId::power_management), .cdw11 = 1}, kInvalidField},
      {"a sensor", {.fid = id(FeatureId::temperature_threshold), .cdw11 = 1u << 16}, kInvalidField},
      {"a reserved sensor", {.fid = id(FeatureId::temperature_threshold), .cdw11 = 9u << 16}, kInvalidField},
      {"errors of deallocated blocks",
       {.fid = id(FeatureId::error_recovery), .cdw11 = 1u << 16},
       kInvalidField},
      {"65536 queues", {.fid = id(FeatureId::number_of_queues), .cdw11 = 0xFFFFFFFF}, kInvalidField},
      {"events of a discovery log",
       {.fid = id(FeatureId::async_event_configuration), .cdw11 = Config::kDiscoveryLogChange},
       kInvalidField},
      {"another profile",
       {.fid = id(FeatureId::io_command_set_profile), .cdw11 = 1},
       kIoCommandSetCombination},
      {"the host's identifier", {.fid = id(FeatureId::host_identifier), .cdw11 = 1}, kCommandSequenceError},
  };
  for (const Case& c : kCases) {
    const auto answer = host->set_features(c.command);
    EXPECT_TRUE(answer.is(c.status)) << c.what << ": " << name(answer.status());
    EXPECT_TRUE(answer.status().dnr) << c.what;
  }
}

TEST_F(Features, AcceptAllNamespaces) {
  EXPECT_TRUE(
      host->set_features({.nsid = kAllNamespaces, .fid = id(FeatureId::arbitration), .cdw11 = 1}).ok());
  EXPECT_EQ(get(FeatureId::arbitration).dw0(), 1u);
}

TEST_F(Features, RefuseWhatCannotBeGot) {
  EXPECT_TRUE(get(FeatureId::timestamp).is(kInvalidField));
  EXPECT_TRUE(get(FeatureId{0xC0}).is(kInvalidField));
  EXPECT_TRUE(get(FeatureId::arbitration, FeatureSelect{5}).is(kInvalidField));
  EXPECT_TRUE(get(FeatureId::temperature_threshold, FeatureSelect::current, 1u << 16).is(kInvalidField));
  EXPECT_TRUE(get(FeatureId::host_identifier).is(kInvalidField)) << "the short form is not of Fabrics";
}

TEST_F(Features, GrantNoMoreQueuesThanThereAre) {
  struct Case {
    wire::NumberOfQueues wanted;
    std::uint32_t granted;
  };
  for (const auto& c : {Case{{1, 1}, 1}, Case{{128, 128}, 128}, Case{{129, 129}, 128}, Case{{65535, 4}, 4}}) {
    const auto answer = set(FeatureId::number_of_queues, c.wanted.encode());
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(wire::NumberOfQueues::decode(answer.dw0()), (wire::NumberOfQueues{c.granted, c.granted}));
  }
}

TEST_F(Features, DoNotChangeTheQueuesInUse) {
  ASSERT_TRUE(set(FeatureId::number_of_queues, 0).ok());
  ASSERT_TRUE(host->connect_io(Qid(1), target.loops[1]).ok());
  EXPECT_TRUE(set(FeatureId::number_of_queues, 0).is(kCommandSequenceError));
}

TEST_F(Features, RoundTheKeepAliveTimeUp) {
  struct Case {
    std::uint32_t wanted;
    std::uint32_t kept;
  };
  for (const auto& c :
       {Case{1, 1000}, Case{1000, 1000}, Case{1001, 2000}, Case{0, 0}, Case{0xFFFFFFFF, 4'294'967'000}}) {
    ASSERT_TRUE(set(FeatureId::keep_alive_timer, c.wanted).ok());
    EXPECT_EQ(get(FeatureId::keep_alive_timer).dw0(), c.kept) << c.wanted;
  }
}

TEST_F(Features, KeepAliveEndsASilentHost) {
  ASSERT_TRUE(set(FeatureId::keep_alive_timer, 5000).ok());
  target.loops.advance(std::chrono::milliseconds(4000));
  EXPECT_TRUE(host->keep_alive().ok());
  target.loops.advance(std::chrono::milliseconds(5000));
  EXPECT_FALSE(host->admin().is_ending());
  target.loops.advance(std::chrono::milliseconds(5000));
  EXPECT_TRUE(host->admin().is_ending());
}

TEST_F(Features, TurnTheWriteCacheOff) {
  EXPECT_TRUE(controller().write_cache());
  ASSERT_TRUE(set(FeatureId::volatile_write_cache, 0).ok());
  EXPECT_FALSE(controller().write_cache());
}

TEST_F(Features, WarnOfATemperatureBeyondTheThreshold) {
  ASSERT_TRUE(set(FeatureId::async_event_configuration, wire::smart_warning::kTemperature).ok());
  auto& event = host->send_async_event_request();
  ASSERT_TRUE(set(FeatureId::temperature_threshold, kCompositeKelvin + 1).ok());
  EXPECT_FALSE(event.finished());
  ASSERT_TRUE(set(FeatureId::temperature_threshold, kCompositeKelvin).ok());
  ASSERT_TRUE(event.completed());
  EXPECT_EQ(wire::AsyncEvent::decode(event.cqe().dw0()).log_page, wire::LogId::smart);
  wire::SmartLog log{};
  ASSERT_TRUE(host->get_log({.lid = 2}, wire::writable_bytes_of(log)).ok());
  EXPECT_EQ(log.critical_warning, wire::smart_warning::kTemperature);
}

TEST_F(Features, HaveAThresholdBelowToo) {
  const wire::TemperatureThreshold under{.kelvin = 270, .sensor = 15, .under = true};
  ASSERT_TRUE(set(FeatureId::temperature_threshold, under.encode()).ok());
  const std::uint32_t ask_under = wire::TemperatureThreshold{.under = true}.encode();
  EXPECT_EQ(get(FeatureId::temperature_threshold, FeatureSelect::current, ask_under).dw0(), 270u);
  EXPECT_EQ(get(FeatureId::temperature_threshold).dw0(), kWarningKelvin);
}

TEST_F(Features, TakeTheHostsBehavior) {
  const wire::SetFeatures command{.fid = id(FeatureId::host_behavior_support)};
  wire::HostBehaviorSupport behavior{.acre = 1};
  ASSERT_TRUE(host->set_features(command, wire::bytes_of(behavior)).ok());
  wire::HostBehaviorSupport kept{};
  ASSERT_TRUE(host->get_features({.fid = command.fid}, wire::writable_bytes_of(kept)).ok());
  EXPECT_EQ(0, std::memcmp(&kept, &behavior, sizeof kept));

  behavior.acre = 2;
  EXPECT_TRUE(host->set_features(command, wire::bytes_of(behavior)).is(kInvalidField));
  behavior = {.hdisns = 1};
  EXPECT_TRUE(host->set_features(command, wire::bytes_of(behavior)).is(kInvalidField));
  EXPECT_TRUE(host->set_features(command, wire::bytes_of(behavior).first(256)).is(kDataSglLengthInvalid));
  ASSERT_TRUE(host->get_features({.fid = command.fid}, wire::writable_bytes_of(kept)).ok());
  EXPECT_EQ(kept.acre, 1) << "a refused value changes nothing";
}

TEST_F(Features, GiveTheHostsIdentifier) {
  std::array<std::byte, 16> got{};
  const wire::GetFeatures command{.fid = id(FeatureId::host_identifier), .cdw11 = 1};
  ASSERT_TRUE(host->get_features(command, got).ok());
  const fabric::FakeHost::Options options;
  EXPECT_EQ(0, std::memcmp(got.data(), options.hostid.data(), got.size()));
  EXPECT_TRUE(host->get_features(command, std::span(got).first(8)).is(kDataSglLengthInvalid));
}

}  // namespace
}  // namespace weft::target
