#include "config/strands.h"

#include <gtest/gtest.h>

#include <vector>

#include "config/test_gate.h"

namespace weft::config {
namespace {

constexpr std::size_t kPlaces = 4;
constexpr Duration kForEver = std::chrono::hours(1);

TEST(Strands, AKeysJobsGoOneAfterAnother) {
  Crew crew(kPlaces, kForEver);
  Strands strands(crew);
  std::vector<int> order;  // one at a time: no lock
  for (int i = 0; i < 500; ++i) strands.run("key", [&order, i] { order.push_back(i); });
  ASSERT_TRUE(crew.wait_idle(kTestPatience));
  ASSERT_EQ(order.size(), 500u);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  strands.run("key", [&order] { order.clear(); });
  ASSERT_TRUE(crew.wait_idle(kTestPatience));
  EXPECT_TRUE(order.empty());
}

TEST(Strands, OneThatHangsHoldsUpNoOther) {
  Crew crew(kPlaces, kForEver);
  Strands strands(crew);
  const auto hang = make_gate();
  const auto behind = make_gate();
  const auto others = make_gate();
  behind->open();
  others->open();
  strands.run("hangs", [hang] { hang->pass(); });
  ASSERT_TRUE(hang->wait_for_waiting(1));
  strands.run("hangs", [behind] { behind->pass(); });
  strands.run("another", [others] { others->pass(); });
  ASSERT_TRUE(others->wait_for_passed(1));
  EXPECT_EQ(crew.unfinished(), 1u) << "what is behind has not begun";
  hang->open();
  ASSERT_TRUE(behind->wait_for_passed(1));
}

}  // namespace
}  // namespace weft::config
