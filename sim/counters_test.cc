#include "sim/counters.h"

#include <gtest/gtest.h>

#include "sim/history.h"

namespace weft::sim {
namespace {

class CountersTest : public ::testing::Test {
 protected:
  using Outcome = Counters::Outcome;
  std::vector<std::byte> holding(Counters::Id step, std::uint64_t block = 0) const {
    std::vector<std::byte> data(History::kBlockBytes);
    counters_.stamp(data, block, step);
    return data;
  }
  bool fits(Counters::Id step, std::uint64_t floor = 0) const {
    return !counters_.look(0, holding(step), floor).wrong;
  }
  std::optional<std::string> end_with(Counters::Id step) const { return counters_.check_end(holding(step)); }

  Counters counters_{1};
};

TEST_F(CountersTest, OneChainFits) {
  EXPECT_TRUE(fits(0));
  const auto first = counters_.begin(0, 0);
  EXPECT_TRUE(fits(first)) << "under way";
  EXPECT_FALSE(counters_.end(first, Outcome::done));
  EXPECT_EQ(counters_.floor(0), 1u);
  const auto second = counters_.begin(0, first);
  EXPECT_FALSE(counters_.end(second, Outcome::unknown));
  EXPECT_EQ(counters_.look(0, holding(second), 1).step, second);
  EXPECT_FALSE(end_with(first));
  EXPECT_FALSE(end_with(second));
}

TEST_F(CountersTest, TwoThatReplaceTheSameDoNot) {
  EXPECT_FALSE(counters_.end(counters_.begin(0, 0), Outcome::done));
  EXPECT_TRUE(counters_.end(counters_.begin(0, 0), Outcome::done));
}

TEST_F(CountersTest, FindsWhatIsLostAndWhatCannotBe) {
  const auto first = counters_.begin(0, 0);
  const auto other = counters_.begin(0, 0);
  EXPECT_FALSE(counters_.end(first, Outcome::done));
  EXPECT_FALSE(counters_.end(other, Outcome::refused));
  EXPECT_FALSE(fits(0, counters_.floor(0))) << "what it was before";
  EXPECT_FALSE(fits(other)) << "a refused one";
  EXPECT_TRUE(end_with(0)) << "nothing is left of the first";
  EXPECT_TRUE(end_with(other));
  EXPECT_FALSE(end_with(first));
  auto torn = holding(first);
  torn.back() ^= std::byte{1};
  EXPECT_TRUE(counters_.look(0, torn, 0).wrong);
  EXPECT_TRUE(counters_.look(0, holding(first, 1), 0).wrong) << "another counter's";
}

TEST_F(CountersTest, AnUnknownOneBesideAnAcknowledgedOneLosesIt) {
  const auto known = counters_.begin(0, 0);
  const auto unknown = counters_.begin(0, 0);
  EXPECT_FALSE(counters_.end(known, Outcome::done));
  EXPECT_FALSE(counters_.end(unknown, Outcome::unknown));
  EXPECT_TRUE(end_with(unknown)) << "it has replaced what the other had replaced";
}

}  // namespace
}  // namespace weft::sim
