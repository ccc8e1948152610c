#include "reactor/spin_policy.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <thread>

#include "reactor/cpu_delay.h"

namespace weft::reactor {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

class SpinPolicyTest : public ::testing::Test {
 protected:
  // Nothing to do for `gap`, looking each microsecond as long as it wants to; how long it looked.
  Duration idle_for(Duration gap) {
    const Time began = now_;
    Duration looked{};
    while (now_ - began < gap && policy_.looks_on(now_)) {
      now_ += microseconds(1);
      looked = now_ - began;
    }
    now_ = began + gap;
    policy_.note_work(now_);
    now_ += microseconds(5);
    return looked;
  }
  void idle_often(Duration gap, int times) {
    for (int i = 0; i < times; ++i) idle_for(gap);
  }
  void learn() {
    idle_often(microseconds(10), 2 * static_cast<int>(SpinPolicy::kCheckTime / microseconds(15)));
  }

  std::optional<Duration> delay_ = Duration{};
  SpinPolicy policy_{std::nullopt, [this] { return delay_; }};
  Time now_{seconds(1)};
};

TEST_F(SpinPolicyTest, SleepsAtOnceUntilItHasSeenWorkComeSoon) {
  EXPECT_EQ(idle_for(microseconds(10)), Duration{});
  learn();
  EXPECT_EQ(idle_for(microseconds(10)), microseconds(10));
}

TEST_F(SpinPolicyTest, LooksForAMomentAtMost) {
  learn();
  EXPECT_EQ(idle_for(milliseconds(20)), SpinPolicy::kMoment);
}

TEST_F(SpinPolicyTest, GivesUpWhenWorkComesSeldom) {
  learn();
  Duration wasted{};
  for (int i = 0; i < 1000; ++i) wasted += idle_for(milliseconds(1));
  EXPECT_LE(wasted, 3 * SpinPolicy::kMoment) << "of a second";
}

TEST_F(SpinPolicyTest, LeavesTheCpuToOthersWhoWaitForIt) {
  learn();
  ASSERT_EQ(idle_for(microseconds(10)), microseconds(10));
  *delay_ += SpinPolicy::kCheckTime / 2;
  learn();
  EXPECT_EQ(idle_for(microseconds(10)), Duration{});
  now_ += SpinPolicy::kLeftToOthers;
  *delay_ += SpinPolicy::kLeftToOthers / 2;
  learn();
  EXPECT_EQ(idle_for(microseconds(10)), Duration{}) << "they are still there";
  now_ += SpinPolicy::kLeftToOthers;
  *delay_ += SpinPolicy::kLeftToOthers / 20;
  learn();
  EXPECT_EQ(idle_for(microseconds(10)), microseconds(10)) << "what is short of a quarter is nobody";
}

TEST_F(SpinPolicyTest, SleepsWhereNobodyKnowsWhoWaits) {
  delay_.reset();
  learn();
  EXPECT_EQ(idle_for(microseconds(10)), Duration{});
}

TEST_F(SpinPolicyTest, DoesWhatItIsTold) {
  SpinPolicy never{Duration{}, {}};
  EXPECT_FALSE(never.looks_on(now_));
  SpinPolicy always{Duration::max(), {}};
  SpinPolicy fixed{milliseconds(3), {}};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(always.looks_on(now_ + i * std::chrono::hours(1)));
    EXPECT_TRUE(fixed.looks_on(now_ + i * milliseconds(1)));
  }
  EXPECT_FALSE(fixed.looks_on(now_ + milliseconds(3)));
  fixed.note_work(now_ + milliseconds(4));
  EXPECT_TRUE(fixed.looks_on(now_ + milliseconds(4)));
}

// Two threads on one CPU: one of them waits for half of the time.
TEST(CpuDelay, GrowsWhileAnotherThreadHasTheCpu) {
  CpuDelay here;
  EXPECT_FALSE(here.read());
  here.open();
  if (!here.read()) GTEST_SKIP() << "this kernel does not tell: no /proc/thread-self/schedstat";
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  std::atomic<bool> stop = false;
  std::thread other([&stop] {  // inherits the CPU
    while (!stop) continue;
  });
  const Duration before = *here.read();
  const auto enough = std::chrono::steady_clock::now() + seconds(30);
  while (*here.read() - before < milliseconds(20) && std::chrono::steady_clock::now() < enough) continue;
  EXPECT_GE(*here.read() - before, milliseconds(20));
  stop = true;
  other.join();
  ASSERT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);
}

}  // namespace
}  // namespace weft::reactor
