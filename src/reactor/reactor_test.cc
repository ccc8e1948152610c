#include "reactor/reactor.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/buffer.h"
#include "base/dice.h"
#include "reactor/testing.h"

namespace weft::reactor {
namespace {

using std::chrono::milliseconds;
using testing::on_loop;
using testing::start_reactors;
using testing::Watch;

struct CallTask : Task {
  explicit CallTask(std::function<void()> to_do) : Task(&CallTask::invoke), work(std::move(to_do)) {}
  static void invoke(Task& task) noexcept { static_cast<CallTask&>(task).work(); }
  std::function<void()> work;
};

struct CallTimer : Timer {
  explicit CallTimer(std::function<void()> to_do) : Timer(&CallTimer::invoke), work(std::move(to_do)) {}
  static void invoke(Timer& timer) noexcept { static_cast<CallTimer&>(timer).work(); }
  std::function<void()> work;
};

TEST(Reactors, RefuseImpossibleOptions) {
  EXPECT_FALSE(Reactors::start({.count = 0}));
  const auto pinned = Reactors::start({.count = 1, .cpus = {100000}});
  ASSERT_FALSE(pinned);
  EXPECT_NE(pinned.error().message.find("CPU 100000"), std::string::npos);
}

TEST(Reactors, ArePinned) {
  cpu_set_t set;
  ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  unsigned cpu = 0;
  while (!CPU_ISSET(cpu, &set)) ++cpu;
  auto reactors = Reactors::start({.count = 1, .cpus = {cpu}});
  ASSERT_TRUE(reactors);
  EXPECT_EQ(on_loop(*(*reactors)->all()[0], [] { return ::sched_getcpu(); }), static_cast<int>(cpu));
}

TEST(Reactors, SpinAsLongAsTheyAreTold) {
  for (const Duration spin : {Duration(milliseconds(20)), Duration::max()}) {
    auto reactors = Reactors::start({.count = 1, .spin = spin});
    ASSERT_TRUE(reactors);
    Loop& loop = *(*reactors)->all()[0];
    Watch watch;
    bool fired = false;
    CallTimer timer([&] { watch.change([&] { fired = true; }); });
    on_loop(loop, [&] { loop.arm(timer, milliseconds(5)); });
    ASSERT_TRUE(watch.wait([&] { return fired; }));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(on_loop(loop, [i] { return i; }), i);
    const bool always = spin == Duration::max();
    for (int i = 0; i < 3000 && !always && (*reactors)->stats(loop).sleeps == 0; ++i)
      std::this_thread::sleep_for(milliseconds(10));
    EXPECT_EQ((*reactors)->stats(loop).sleeps == 0, always);
  }
}

TEST(Reactors, EachLoopIsAThreadOfItsOwn) {
  const auto reactors = start_reactors(3);
  ASSERT_EQ(reactors->all().size(), 3u);
  for (unsigned i = 0; i < 3; ++i) {
    Loop& loop = *reactors->all()[i];
    EXPECT_EQ(loop.index(), i);
    EXPECT_FALSE(loop.is_here());
    EXPECT_TRUE(on_loop(loop, [&loop] { return loop.is_here(); }));
    EXPECT_EQ(&reactors->of(loop).loop(), &loop);
  }
  EXPECT_FALSE(on_loop(*reactors->all()[0], [&] { return reactors->all()[1]->is_here(); }));
}

TEST(Reactors, TheLeastLoadedIsTheNext) {
  const auto reactors = start_reactors(2);
  Loop& first = reactors->acquire_least_loaded();
  Loop& second = reactors->acquire_least_loaded();
  EXPECT_NE(&first, &second);
  reactors->release(second);
  EXPECT_EQ(&reactors->acquire_least_loaded(), &second);
}

TEST(Reactors, ThoseInUseGetWhatComes) {
  const auto reactors = start_reactors(4);
  EXPECT_EQ(reactors->in_use(), 4u);
  const auto loads = [&] {
    std::vector<std::uint32_t> all;
    for (const Loop* loop : reactors->all()) all.push_back(reactors->stats(*loop).carries);
    return all;
  };
  const auto acquire = [&](int count) {
    for (int i = 0; i < count; ++i) reactors->acquire_least_loaded();
  };
  acquire(4);
  reactors->use(2);
  EXPECT_EQ(reactors->in_use(), 2u);
  acquire(6);
  EXPECT_EQ(loads(), (std::vector<std::uint32_t>{4, 4, 1, 1})) << "what is carried stays";
  reactors->use(4);
  acquire(6);
  EXPECT_EQ(loads(), (std::vector<std::uint32_t>{4, 4, 4, 4}));
  reactors->use(1);
  for (Loop* loop : reactors->all()) reactors->release(*loop);
  acquire(1);
  EXPECT_EQ(loads(), (std::vector<std::uint32_t>{4, 3, 3, 3}));
}

TEST(Reactors, QueuesAreSpreadEvenlyWhoeverAsksAtOnce) {
  constexpr unsigned kThreads = 8;
  const auto reactors = start_reactors(3);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (unsigned t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        Loop& loop = reactors->acquire_least_loaded();
        if (i % 3 == 0) reactors->release(loop);
      }
    });
  for (auto& thread : threads) thread.join();
  std::vector<std::uint32_t> loads;
  for (const Loop* loop : reactors->all()) loads.push_back(reactors->stats(*loop).carries);
  const auto [least, most] = std::ranges::minmax(loads);
  EXPECT_GT(least, 0u);
  EXPECT_LE(most * 4, least * 5) << "at most 1.25 times";
}

TEST(Reactor, RunsThePostsOfManyThreadsInTheOrderOfEach) {
  const auto reactors = start_reactors(2);
  Loop& loop = *reactors->all()[0];
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  std::vector<std::vector<int>> seen(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) post_call(loop, [&seen, t, i] { seen[t].push_back(i); });
    });
  for (auto& thread : threads) thread.join();
  on_loop(loop, [] {});
  for (const auto& order : seen) {
    ASSERT_EQ(order.size(), static_cast<std::size_t>(kPosts));
    for (int i = 0; i < kPosts; ++i) ASSERT_EQ(order[i], i);
  }
}

// Each post finds the other loop asleep or falling asleep.
TEST(Reactor, NoWakeUpIsLost) {
  const auto reactors = start_reactors(2);
  Loop& a = *reactors->all()[0];
  Loop& b = *reactors->all()[1];
  Watch watch;
  int left = 20000;
  bool done = false;
  std::unique_ptr<CallTask> ping, pong;
  ping = std::make_unique<CallTask>([&] { b.post(*pong); });
  pong = std::make_unique<CallTask>([&] {
    if (--left > 0)
      a.post(*ping);
    else
      watch.change([&] { done = true; });
  });
  a.post(*ping);
  EXPECT_TRUE(watch.wait([&] { return done; }));
}

TEST(Reactor, AtItsOwnPostsRunInALaterTurnAndDefersInThisOne) {
  const auto reactors = start_reactors();
  Loop& loop = *reactors->all()[0];
  std::string order;
  bool moved = true;
  Watch watch;
  bool done = false;
  Time first;
  CallTask later([&] {
    order += "later ";
    moved = loop.now() > first;
    watch.change([&] { done = true; });
  });
  CallTask second_deferred([&] { order += "deferred-again "; });
  CallTask deferred([&] {
    order += loop.now() == first ? "deferred " : "moved ";
    loop.defer(second_deferred);
  });
  post_call(loop, [&] {
    first = loop.now();
    loop.post(later);
    loop.defer(deferred);
    std::this_thread::sleep_for(milliseconds(2));
    order += loop.now() == first ? "now " : "moved ";
  });
  ASSERT_TRUE(watch.wait([&] { return done; }));
  EXPECT_EQ(order, "now deferred deferred-again later ");
  EXPECT_TRUE(moved);
  on_loop(loop, [] {});
}

TEST(Reactor, ATaskThatPostsItselfStarvesNobody) {
  const auto reactors = start_reactors();
  Loop& loop = *reactors->all()[0];
  bool go_on = true;
  Watch watch;
  bool timer_ran = false;
  std::unique_ptr<CallTask> busy;
  busy = std::make_unique<CallTask>([&] {
    if (go_on) loop.post(*busy);
  });
  CallTimer timer([&] {
    go_on = false;
    watch.change([&] { timer_ran = true; });
  });
  on_loop(loop, [&] {
    loop.post(*busy);
    loop.arm(timer, milliseconds(20));
  });
  on_loop(loop, [] {});  // other posts are served meanwhile
  EXPECT_TRUE(watch.wait([&] { return timer_ran; }));
  on_loop(loop, [] {});
}

TEST(Reactor, TimersFireOnceNotBeforeTheirTimeAndInOrder) {
  const auto reactors = start_reactors();
  Loop& loop = *reactors->all()[0];
  Watch watch;
  int fired = 0;
  bool early = false;
  std::vector<int> order;
  std::vector<std::unique_ptr<CallTimer>> timers;
  CallTimer cancelled([&] { ADD_FAILURE() << "a cancelled timer fired"; });
  on_loop(loop, [&] {
    loop.arm(cancelled, milliseconds(3));
    for (const int delay : {30, 5, 0, 70, 12}) {
      const Time deadline = loop.now() + milliseconds(delay);
      timers.push_back(std::make_unique<CallTimer>([&, delay, deadline] {
        early = early || loop.now() < deadline;
        order.push_back(delay);
        watch.change([&] { ++fired; });
      }));
      loop.arm(*timers.back(), milliseconds(delay));
    }
    loop.cancel(cancelled);
  });
  EXPECT_TRUE(watch.wait([&] { return fired == 5; }));
  EXPECT_FALSE(early);
  EXPECT_EQ(order, (std::vector<int>{0, 5, 12, 30, 70}));
  on_loop(loop, [] {});
}

TEST(Reactor, ATimerWithoutAnEndDoesNotFire) {
  const auto reactors = start_reactors();
  Loop& loop = *reactors->all()[0];
  CallTimer timer([] { ADD_FAILURE(); });
  on_loop(loop, [&] { loop.arm(timer, Duration::max()); });
  on_loop(loop, [] {});
  on_loop(loop, [&] { loop.cancel(timer); });
}

// Counts turns, not time: without timers and posts there is none.
TEST(Reactor, SleepsWhenIdle) {
  const auto reactors = start_reactors();
  Loop& loop = *reactors->all()[0];
  on_loop(loop, [] {});
  std::this_thread::sleep_for(milliseconds(50));
  const auto before = reactors->stats(loop);
  std::this_thread::sleep_for(milliseconds(200));
  const auto after = reactors->stats(loop);
  EXPECT_LE(after.turns - before.turns, 3u);
  EXPECT_GT(after.sleeps, 0u);
  EXPECT_GT(after.longest_turn_ns, 0u);
}

TEST(Reactor, HasBuffersAndDice) {
  const auto reactors = start_reactors();
  Loop& loop = *reactors->all()[0];
  on_loop(loop, [&] {
    BufferPool::Party party(BufferPool::Party::Kind::io);
    Buffers buffers;
    EXPECT_TRUE(loop.buffers().try_take(party, 4096, buffers));
    loop.buffers().give_back(party, buffers);
    EXPECT_NE(loop.dice().next(), loop.dice().next());
  });
}

TEST(Reactors, RunWhatIsPostedBeforeTheyStop) {
  auto reactors = start_reactors(2);
  std::atomic<int> ran{0};
  for (Loop* loop : reactors->all())
    for (int i = 0; i < 3000; ++i) post_call(*loop, [&ran] { ++ran; });
  reactors->stop();
  reactors->stop();
  EXPECT_EQ(ran, 6000);
}

}  // namespace
}  // namespace weft::reactor
