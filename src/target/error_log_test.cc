#include "target/error_log.h"

#include <gtest/gtest.h>

namespace weft::target {
namespace {

ErrorLog::Entry of(std::uint16_t cid) {
  return {.cid = Cid(cid), .status = wire::status::kInvalidField};
}

TEST(ErrorLog, StartsEmpty) {
  const ErrorLog log;
  EXPECT_TRUE(log.entries().empty());
  EXPECT_EQ(log.total(), 0u);
}

TEST(ErrorLog, GivesTheNewestFirstAndCountsFromOne) {
  ErrorLog log;
  log.add(of(7));
  log.add(of(9));
  const auto entries = log.entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].cid, Cid(9));
  EXPECT_EQ(entries[0].count, 2u);
  EXPECT_EQ(entries[1].cid, Cid(7));
  EXPECT_EQ(entries[1].count, 1u);
}

TEST(ErrorLog, ForgetsTheOldest) {
  ErrorLog log;
  const auto many = static_cast<std::uint16_t>(ErrorLog::kEntries + 3);
  for (std::uint16_t cid = 0; cid < many; ++cid) log.add(of(cid));
  const auto entries = log.entries();
  ASSERT_EQ(entries.size(), ErrorLog::kEntries);
  EXPECT_EQ(entries.front().cid, Cid(many - 1));
  EXPECT_EQ(entries.back().cid, Cid(3));
  EXPECT_EQ(entries.back().count, 4u);
  EXPECT_EQ(log.total(), many);
}

}  // namespace
}  // namespace weft::target
