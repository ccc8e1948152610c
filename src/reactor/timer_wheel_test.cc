#include "reactor/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "base/dice.h"

namespace weft::reactor {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr Time kStart{hours(1)};

struct TestTimer : Timer {
  explicit TestTimer(std::function<void()> to_do) : Timer(&TestTimer::invoke), work(std::move(to_do)) {}
  static void invoke(Timer& timer) noexcept { static_cast<TestTimer&>(timer).work(); }
  std::function<void()> work;
};

TEST(TimerWheel, FiresAtTheTickThatReachesTheDeadlineAndNotBefore) {
  // Around each place where a level of the wheel ends.
  std::vector<std::int64_t> delays_ms = {0,      1,      2,        62,       63,         64,         65,
                                         127,    128,    4094,     4095,     4096,       4097,       262143,
                                         262144, 262145, 16777215, 16777216, 1073741824, 68719476736};
  for (const std::int64_t start_ms : {0, 1, 63, 64, 4095, 262143, 16777215, 1000003})
    for (const std::int64_t delay : delays_ms)
      for (const int odd_ns : {0, 1, 999'999}) {
        const Time start(milliseconds{start_ms});
        TimerWheel wheel(start);
        int fired = 0;
        TestTimer timer([&fired] { ++fired; });
        const Time deadline = start + milliseconds(delay) + nanoseconds(odd_ns);
        wheel.arm(timer, deadline);
        if (deadline > start) {
          wheel.advance(deadline - nanoseconds(1));
          ASSERT_EQ(fired, 0) << start_ms << " " << delay << " " << odd_ns;
        }
        wheel.advance(deadline + milliseconds(1) - nanoseconds(1));
        ASSERT_EQ(fired, 1) << start_ms << " " << delay << " " << odd_ns;
        ASSERT_FALSE(timer.is_armed());
        ASSERT_FALSE(wheel.next_wake());
      }
}

TEST(TimerWheel, WhoeverSleepsUntilNextWakeFiresInTime) {
  for (const std::int64_t delay : {1, 64, 100, 4096, 5000, 262144, 300000, 100'000'000}) {
    TimerWheel wheel(kStart);
    int fired = 0;
    TestTimer timer([&fired] { ++fired; });
    const Time deadline = kStart + milliseconds(delay);
    wheel.arm(timer, deadline);
    int wakes = 0;
    Time now = kStart;
    while (const auto wake = wheel.next_wake()) {
      ASSERT_GE(*wake, now);
      ASSERT_LE(*wake, deadline);
      now = *wake;
      wheel.advance(now);
      ASSERT_LE(++wakes, 6) << "a far timer wakes the loop once per level at most";
    }
    EXPECT_EQ(fired, 1);
    EXPECT_EQ(now, deadline);
  }
}

TEST(TimerWheel, ATimerArmedAgainFromItselfWaitsForTheNextAdvance) {
  TimerWheel wheel(kStart);
  int fired = 0;
  TestTimer timer([&] {
    ++fired;
    wheel.arm(timer, kStart);
  });
  wheel.arm(timer, kStart);
  EXPECT_EQ(wheel.advance(kStart), 1u);
  EXPECT_EQ(fired, 1);
  EXPECT_LE(wheel.next_wake().value_or(Time::max()), kStart);
  EXPECT_EQ(wheel.advance(kStart), 1u);
  wheel.cancel(timer);
  EXPECT_FALSE(wheel.next_wake());
}

TEST(TimerWheel, ADueTimerMayCancelAnother) {
  TimerWheel wheel(kStart);
  int fired = 0;
  TestTimer second([&] { ++fired; });
  TestTimer first([&] { wheel.cancel(second); });
  wheel.arm(first, kStart + milliseconds(5));
  wheel.arm(second, kStart + milliseconds(5));
  EXPECT_EQ(wheel.advance(kStart + milliseconds(9)), 1u);
  EXPECT_EQ(fired, 0);
}

TEST(TimerWheel, TheFarthestDeadlineFits) {
  TimerWheel wheel(kStart);
  TestTimer timer([] {});
  wheel.arm(timer, Time::max());
  EXPECT_EQ(wheel.advance(kStart + hours(24 * 365 * 100)), 0u);
  EXPECT_TRUE(timer.is_armed());
  EXPECT_TRUE(wheel.next_wake());
  wheel.cancel(timer);
}

// The same steps on the wheel and on a sorted map.
TEST(TimerWheel, AgreesWithAModel) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Dice dice(seed);
    TimerWheel wheel(kStart);
    Time now = kStart;
    constexpr std::size_t kTimers = 50;
    std::vector<int> fired(kTimers), expected(kTimers);
    std::vector<Time> deadlines(kTimers);
    std::vector<bool> armed(kTimers);
    std::deque<TestTimer> timers;
    for (std::size_t i = 0; i < kTimers; ++i) timers.emplace_back([&fired, i] { ++fired[i]; });
    const auto some_time = [&dice] { return nanoseconds(dice.below(std::uint64_t{1} << dice.below(48))); };
    for (int step = 0; step < 5000; ++step) {
      const std::size_t i = dice.below(kTimers);
      switch (dice.below(4)) {
        case 0:
        case 1:
          deadlines[i] = now + some_time();
          armed[i] = true;
          wheel.arm(timers[i], deadlines[i]);
          break;
        case 2:
          armed[i] = false;
          wheel.cancel(timers[i]);
          break;
        default:
          now += some_time();
          wheel.advance(now);
          for (std::size_t k = 0; k < kTimers; ++k) {
            const Time tick = Time(std::chrono::ceil<milliseconds>(deadlines[k].time_since_epoch()));
            if (!armed[k] || tick > now) continue;
            armed[k] = false;
            ++expected[k];
          }
      }
      ASSERT_EQ(fired, expected) << "seed " << seed << " step " << step;
      std::optional<Time> earliest;
      for (std::size_t k = 0; k < kTimers; ++k) {
        ASSERT_EQ(timers[k].is_armed(), armed[k]);
        if (armed[k]) earliest = std::min(earliest.value_or(Time::max()), deadlines[k]);
      }
      ASSERT_EQ(wheel.next_wake().has_value(), earliest.has_value());
      if (earliest) {
        ASSERT_LE(wheel.next_wake().value_or(Time::max()), *earliest + milliseconds(1));
      }
    }
    for (auto& timer : timers) wheel.cancel(timer);
  }
}

}  // namespace
}  // namespace weft::reactor
