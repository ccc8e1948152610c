#include "config/crew.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "config/test_gate.h"

namespace weft::config {
namespace {

using namespace std::chrono_literals;

constexpr Duration kForEver = std::chrono::hours(1);

TEST(Crew, JobsBeginInOrder) {
  Crew crew(1, kForEver);
  std::vector<int> order;  // one place: one after the other
  for (int i = 0; i < 100; ++i) crew.run([&order, i] { order.push_back(i); });
  ASSERT_TRUE(crew.wait_idle(kTestPatience));
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(crew.unfinished(), 0u);
}

TEST(Crew, NoMoreAtOnceThanThereArePlaces) {
  Crew crew(3, kForEver);
  const auto gate = make_gate();
  std::atomic<int> begun = 0;
  for (int i = 0; i < 5; ++i)
    crew.run([&begun, gate] {
      ++begun;
      gate->pass();
    });
  ASSERT_TRUE(gate->wait_for_waiting(3));
  EXPECT_FALSE(crew.wait_idle(1ms));
  EXPECT_EQ(begun, 3);
  EXPECT_EQ(crew.unfinished(), 5u);
  gate->open();
  ASSERT_TRUE(crew.wait_idle(kTestPatience));
  EXPECT_EQ(begun, 5);
}

TEST(Crew, AJobThatHangsKeepsItsThreadButNotItsPlace) {
  Crew crew(1, 1ms);
  const auto hang = make_gate();
  const auto others = make_gate();
  others->open();
  for (int i = 0; i < 3; ++i) crew.run([hang] { hang->pass(); });
  for (int i = 0; i < 20; ++i) crew.run([others] { others->pass(); });
  ASSERT_TRUE(others->wait_for_passed(20)) << "they did not wait for those that hang";
  ASSERT_TRUE(hang->wait_for_waiting(3));
  EXPECT_FALSE(crew.wait_idle(1ms));
  EXPECT_GE(crew.unfinished(), 3u);
  hang->open();
  ASSERT_TRUE(crew.wait_idle(kTestPatience));
}

TEST(Crew, WithoutWorkItIsIdle) {
  Crew crew(2, kForEver);
  EXPECT_TRUE(crew.wait_idle(Duration(0)));
  EXPECT_EQ(crew.unfinished(), 0u);
}

TEST(Crew, TheEndLeavesWhatHangsBehindAndDropsTheRest) {
  const auto hang = make_gate();
  const auto owned = std::make_shared<int>(0);
  std::atomic<bool> ran = false;
  {
    Crew crew(1, kForEver);
    crew.run([hang] { hang->pass(); });
    ASSERT_TRUE(hang->wait_for_waiting(1));
    crew.run([owned, &ran] { ran = true; });
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(owned.use_count(), 1) << "what has not begun is dropped";
  hang->open();
  EXPECT_TRUE(hang->wait_for_passed(1)) << "what runs goes on";
  EXPECT_FALSE(ran);
}

TEST(Crew, TakesJobsFromManyThreads) {
  Crew crew(4, kForEver);
  std::atomic<int> done = 0;
  std::vector<std::jthread> givers;
  for (int i = 0; i < 4; ++i)
    givers.emplace_back([&] {
      for (int k = 0; k < 100; ++k) crew.run([&done] { ++done; });
    });
  givers.clear();
  ASSERT_TRUE(crew.wait_idle(kTestPatience));
  EXPECT_EQ(done, 400);
}

// What a job owns is let go before the job counts as over.
TEST(Crew, AFinishedJobOwnsNothingAnyMore) {
  Crew crew(1, kForEver);
  const auto owned = std::make_shared<int>(0);
  crew.run([owned] {});
  ASSERT_TRUE(crew.wait_idle(kTestPatience));
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace weft::config
