#include "cli/bench/stamp.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft::cli::bench {
namespace {

constexpr std::uint64_t kSeed = 7;
constexpr std::uint64_t kPlace = 1u << 20;
constexpr std::size_t kBytes = 4096;

std::vector<std::byte> stamped(std::uint64_t place, std::uint64_t version, std::uint64_t seed = kSeed) {
  std::vector<std::byte> data(kBytes);
  stamp(data, seed, place, version, 1234);
  return data;
}

TEST(Stamp, WhatWasWrittenIsGood) {
  const auto data = stamped(kPlace, 3);
  EXPECT_EQ(check(data, kSeed, kPlace, 3).verdict, Verdict::good);
  EXPECT_EQ(check(data, kSeed, kPlace, 0).verdict, Verdict::good) << "any version";
}

TEST(Stamp, EachByteCounts) {
  const auto good = stamped(kPlace, 3);
  for (std::size_t at = 0; at < kBytes; ++at) {
    auto data = good;
    data[at] ^= std::byte{0x10};
    ASSERT_NE(check(data, kSeed, kPlace, 3).verdict, Verdict::good) << at;
  }
}

TEST(Stamp, ZeroesAndAnotherRunsDataAreDamage) {
  EXPECT_EQ(check(std::vector<std::byte>(kBytes), kSeed, kPlace, 3).verdict, Verdict::damaged);
  EXPECT_EQ(check(stamped(kPlace, 3, kSeed + 1), kSeed, kPlace, 3).verdict, Verdict::damaged);
}

TEST(Stamp, DataOfAnotherPlaceIsMisplaced) {
  const Finding found = check(stamped(kPlace + kBytes, 3), kSeed, kPlace, 3);
  EXPECT_EQ(found.verdict, Verdict::misplaced);
  EXPECT_EQ(found.origin, kPlace + kBytes);
  EXPECT_NE(finding_text(found, 3).find("belongs to byte 1052672"), std::string::npos)
      << finding_text(found, 3);
}

TEST(Stamp, AnOlderVersionIsALostWrite) {
  const Finding found = check(stamped(kPlace, 2), kSeed, kPlace, 3);
  EXPECT_EQ(found.verdict, Verdict::stale);
  EXPECT_EQ(found.version, 2u);
  EXPECT_NE(finding_text(found, 3).find("a lost write"), std::string::npos);
}

TEST(Stamp, ANewerVersionIsEarly) {
  EXPECT_EQ(check(stamped(kPlace, 4), kSeed, kPlace, 3).verdict, Verdict::early);
}

TEST(Stamp, TwoVersionsAreATornWrite) {
  for (std::size_t at = kSectorBytes; at < kBytes; at += kSectorBytes) {
    auto data = stamped(kPlace, 3);
    const auto older = stamped(kPlace, 2);
    std::copy(older.begin() + static_cast<std::ptrdiff_t>(at), older.end(),
              data.begin() + static_cast<std::ptrdiff_t>(at));
    const Finding found = check(data, kSeed, kPlace, 3);
    EXPECT_EQ(found.verdict, Verdict::torn);
    EXPECT_EQ(found.place, kPlace + at);
  }
}

}  // namespace
}  // namespace weft::cli::bench
