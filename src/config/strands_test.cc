#include "config/strands.h"

#include <gtest/gtest.h>

#include <atomic>
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
  const auto others = make_gate();
  std::atomic<bool> went_on = false;
  others->open();
  strands.run("hangs", [hang] { hang->pass(); });
  ASSERT_TRUE(hang->wait_for_waiting(1));
  strands.run("hangs", [&went_on] { went_on = true; });
  strands.run("another", [others] { others->pass(); });
  ASSERT_TRUE(others->wait_for_passed(1));
  EXPECT_FALSE(went_on) << "what is behind waits";
  hang->open();
  ASSERT_TRUE(crew.wait_idle(kTestPatience));
  EXPECT_TRUE(went_on);
}

}  // namespace
}  // namespace weft::config
