#include "base/histogram.h"

#include <gtest/gtest.h>

#include <memory>

namespace weft {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const auto times = std::make_unique<Histogram>();
  EXPECT_EQ(times->count(), 0u);
  EXPECT_EQ(times->quantile(0.99), 0u);
  EXPECT_EQ(times->mean(), 0);
}

TEST(Histogram, SmallValuesAreExact) {
  const auto times = std::make_unique<Histogram>();
  for (std::uint64_t value = 1; value <= 100; ++value) times->record(value);
  EXPECT_EQ(times->quantile(0.5), 50u);
  EXPECT_EQ(times->quantile(0.99), 99u);
  EXPECT_EQ(times->quantile(0.001), 1u);
  EXPECT_EQ(times->quantile(1), 100u);
  EXPECT_EQ(times->mean(), 50.5);
}

TEST(Histogram, AnyValueIsWithinOnePercent) {
  for (std::uint64_t value = 1; value < std::uint64_t{1} << 62; value += value / 3 + 1) {
    const auto times = std::make_unique<Histogram>();
    times->record(value);
    times->record(value * 2);
    const auto found = static_cast<double>(times->quantile(0.5));
    EXPECT_GE(found, static_cast<double>(value));
    EXPECT_LE(found, static_cast<double>(value) * 1.01);
    EXPECT_EQ(times->quantile(1), value * 2);
  }
  const auto times = std::make_unique<Histogram>();
  times->record(UINT64_MAX);
  EXPECT_EQ(times->quantile(0.5), UINT64_MAX);
}

TEST(Histogram, SumsAreAdded) {
  const auto one = std::make_unique<Histogram>();
  const auto other = std::make_unique<Histogram>();
  for (unsigned i = 0; i < 99; ++i) one->record(10);
  other->record(5000);
  one->add(*other);
  EXPECT_EQ(one->count(), 100u);
  EXPECT_EQ(one->quantile(0.99), 10u);
  EXPECT_EQ(one->largest(), 5000u);
}

}  // namespace
}  // namespace weft
