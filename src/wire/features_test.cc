#include "wire/features.h"

#include <gtest/gtest.h>

namespace weft::wire {
namespace {

TEST(Features, NumberOfQueues) {
  EXPECT_EQ(*NumberOfQueues::parse(0), (NumberOfQueues{1, 1}));
  EXPECT_EQ(*NumberOfQueues::parse(0xFFFEFFFE), (NumberOfQueues{65535, 65535}));
  EXPECT_EQ(*NumberOfQueues::parse(0x00030007), (NumberOfQueues{.submission = 8, .completion = 4}));
  EXPECT_EQ(NumberOfQueues::parse(0x0000FFFF).error(),
            (CommandError{status::kInvalidField.with_dnr(), 44, 0}));
  EXPECT_EQ(NumberOfQueues::parse(0xFFFF0000).error(),
            (CommandError{status::kInvalidField.with_dnr(), 46, 0}));
  EXPECT_EQ((NumberOfQueues{.submission = 128, .completion = 64}.encode()), 0x003F007Fu);
  EXPECT_EQ(NumberOfQueues::decode(0x003F007F), (NumberOfQueues{.submission = 128, .completion = 64}));
}

TEST(Features, TemperatureThreshold) {
  for (unsigned sensor = 0; sensor < 16; ++sensor)
    EXPECT_EQ(TemperatureThreshold::parse(sensor << 16).has_value(), sensor <= 8 || sensor == 15) << sensor;
  for (unsigned type = 0; type < 4; ++type)
    EXPECT_EQ(TemperatureThreshold::parse(type << 20).has_value(), type <= 1) << type;
  const TemperatureThreshold want{.kelvin = 343, .sensor = 2, .under = true, .hysteresis = 7};
  EXPECT_EQ(*TemperatureThreshold::parse(want.encode()), want);
}

TEST(Features, WriteProtection) {
  for (std::uint32_t state = 0; state < 8; ++state) {
    const auto got = NamespaceWriteProtection::parse(state);
    ASSERT_EQ(got.has_value(), state <= 3) << state;
    if (got) {
      EXPECT_EQ(got->encode(), state);
    }
  }
}

TEST(Features, HostBehaviorSwitchesAreZeroOrOne) {
  const HostBehaviorSupport zero{};
  EXPECT_TRUE(check(zero).has_value());
  for (const unsigned byte : {0u, 1u, 2u, 3u}) {
    HostBehaviorSupport data{};
    writable_bytes_of(data)[byte] = std::byte{1};
    EXPECT_TRUE(check(data).has_value()) << byte;
    writable_bytes_of(data)[byte] = std::byte{2};
    ASSERT_FALSE(check(data).has_value()) << byte;
    EXPECT_TRUE(check(data).error().status.is(status::kInvalidField));
  }
}

TEST(Features, Timestamp) {
  TimestampData data{};
  data.set_value(0xFFFF'123456789ABC);
  EXPECT_EQ(data.value(), 0x123456789ABCu);
  EXPECT_EQ(data.milliseconds[0], 0xBC);
  EXPECT_EQ(data.attributes, 0);
}

TEST(Features, BitsLieWhereTheSpecificationPutsThem) {
  EXPECT_EQ((Arbitration{.burst = 7, .low_weight = 1, .medium_weight = 2, .high_weight = 3}.encode()),
            0x03020107u);
  EXPECT_EQ(Arbitration::decode(0x030201FF).burst, 7);
  EXPECT_EQ(Arbitration::decode(0x03020107).high_weight, 3);
  EXPECT_EQ((PowerManagement{.power_state = 31, .workload_hint = 2}.encode()), 0x5Fu);
  EXPECT_EQ(PowerManagement::decode(0xFFFFFF5F), (PowerManagement{.power_state = 31, .workload_hint = 2}));
  EXPECT_EQ((ErrorRecovery{.time_limited = 9, .dulbe = true}.encode()), 0x10009u);
  EXPECT_EQ(ErrorRecovery::decode(0xFFFE0009), (ErrorRecovery{.time_limited = 9}));
  EXPECT_TRUE(VolatileWriteCache::decode(1).enable);
  EXPECT_FALSE(VolatileWriteCache::decode(0xFFFFFFFE).enable);
  EXPECT_EQ((InterruptCoalescing{.threshold = 1, .time = 2}.encode()), 0x201u);
  EXPECT_TRUE(WriteAtomicity::decode(1).disable_normal);
  EXPECT_EQ(KeepAliveTimer::decode(120000).kato_ms, 120000u);
  EXPECT_EQ(IoCommandSetProfile::decode(0xFFFFFFFF).index, 0x1FF);
  EXPECT_EQ(HostIdentifierFormat::decode(1).data_bytes(), 16u);
  EXPECT_EQ(HostIdentifierFormat::decode(0).data_bytes(), 8u);
  EXPECT_TRUE(ReservationPersistence::decode(1).ptpl);
  for (std::uint32_t mask = 0; mask < 16; mask += 2)
    EXPECT_EQ(ReservationNotificationMask::decode(mask | 1).encode(), mask);
  const auto events = AsyncEventConfiguration::decode(0x80000900);
  EXPECT_TRUE(events.has(AsyncEventConfiguration::kNamespaceAttribute));
  EXPECT_TRUE(events.has(AsyncEventConfiguration::kAnaChange));
  EXPECT_TRUE(events.has(AsyncEventConfiguration::kDiscoveryLogChange));
  EXPECT_FALSE(events.has(AsyncEventConfiguration::kFirmwareActivation));
}

TEST(Features, Names) {
  EXPECT_EQ(name(FeatureId::keep_alive_timer), "Keep Alive Timer");
  EXPECT_EQ(name(static_cast<FeatureId>(0)), "Unknown");
}

}  // namespace
}  // namespace weft::wire
