#include "base/loop.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "base/call.h"
#include "base/test_loop.h"

namespace weft {
namespace {

using namespace std::chrono_literals;

// Notes each of its calls in a shared log.
struct Noting {
  Noting(std::string& where, char as) : log(where), name(as) {}
  void note() {
    log += name;
    if (again > 0) --again, loop->post(task);
    if (rearm) loop->arm(timer, 0ns);
    if (victim) loop->cancel(*victim);
  }
  std::string& log;
  char name;
  int again = 0;
  bool rearm = false;
  TestLoop* loop = nullptr;
  Timer* victim = nullptr;
  MemberTask<Noting, &Noting::note> task{*this};
  MemberTimer<Noting, &Noting::note> timer{*this};
};

TEST(LoopTask, RunsOnceInALaterTurnInTheOrderPosted) {
  TestLoop loop;
  std::string log;
  Noting first(log, 'a');
  Noting second(log, 'b');
  loop.post(second.task);
  loop.post(first.task);
  EXPECT_TRUE(first.task.is_posted());
  EXPECT_EQ(log, "");
  EXPECT_TRUE(loop.run_turn());
  EXPECT_EQ(log, "ba");
  EXPECT_FALSE(first.task.is_posted());
  EXPECT_FALSE(loop.run_turn());
}

TEST(LoopTask, MayPostItselfAgainAndRunsInTheNextTurn) {
  TestLoop loop;
  std::string log;
  Noting task(log, 'a');
  task.loop = &loop;
  task.again = 1;
  loop.post(task.task);
  loop.run_turn();
  EXPECT_EQ(log, "a");
  loop.run_turn();
  EXPECT_EQ(log, "aa");
}

TEST(LoopTask, DeferredRunsAfterAllElseOfTheTurn) {
  TestLoop loop;
  std::string log;
  Noting deferred(log, 'd');
  Noting posted(log, 'p');
  loop.defer(deferred.task);
  loop.post(posted.task);
  loop.run_turn();
  EXPECT_EQ(log, "pd");
}

TEST(LoopTaskDeathTest, PostedTwiceIsOurMistake) {
  TestLoop loop;
  std::string log;
  Noting task(log, 'a');
  loop.post(task.task);
  EXPECT_DEATH(loop.post(task.task), "one place only");
  loop.run_until_idle();
}

TEST(LoopTask, ComesFromAnyThreadInThatThreadsOrder) {
  TestLoop loop;
  std::string seen[2];
  std::vector<std::thread> threads;
  threads.reserve(2);
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&loop, &seen, t] {
      for (char c = 'a'; c <= 'z'; ++c) post_call(loop, [&seen, t, c] { seen[t] += c; });
    });
  EXPECT_TRUE(loop.run_until([&] { return seen[0].size() == 26 && seen[1].size() == 26; }));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(seen[0], "abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(seen[1], seen[0]);
}

TEST(LoopTask, PostedClosureIsDestroyedOnceItRan) {
  TestLoop loop;
  auto witness = std::make_shared<int>(0);
  post_call(loop, [witness] { ++*witness; });
  EXPECT_EQ(witness.use_count(), 2);
  loop.run_turn();
  EXPECT_EQ(*witness, 1);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(LoopTimer, RunsOnceWhenItsTimeHasCome) {
  TestLoop loop;
  std::string log;
  Noting late(log, 'l');
  Noting early(log, 'e');
  loop.arm(late.timer, 20ms);
  loop.arm(early.timer, 10ms);
  loop.advance(9ms);
  EXPECT_EQ(log, "");
  loop.advance(1ms);
  EXPECT_EQ(log, "e");
  EXPECT_FALSE(early.timer.is_armed());
  EXPECT_TRUE(late.timer.is_armed());
  loop.advance(1h);
  EXPECT_EQ(log, "el");
}

TEST(LoopTimer, ArmedAgainItMoves) {
  TestLoop loop;
  std::string log;
  Noting timer(log, 't');
  loop.arm(timer.timer, 10ms);
  loop.arm(timer.timer, 30ms);
  loop.advance(29ms);
  EXPECT_EQ(log, "");
  loop.advance(1ms);
  EXPECT_EQ(log, "t");
}

TEST(LoopTimer, CancelledByAnotherOfTheSameTurnItDoesNotRun) {
  TestLoop loop;
  std::string log;
  Noting first(log, 'a');
  Noting second(log, 'b');
  first.loop = &loop;
  first.victim = &second.timer;
  loop.arm(first.timer, 1ms);
  loop.arm(second.timer, 1ms);
  loop.advance(2ms);
  EXPECT_EQ(log, "a");
  EXPECT_FALSE(second.timer.is_armed());
}

TEST(LoopTimer, ArmedForNowWhileItRunsItWaitsForTheNextTurn) {
  TestLoop loop;
  std::string log;
  Noting timer(log, 't');
  timer.loop = &loop;
  timer.rearm = true;
  loop.arm(timer.timer, 0ns);
  loop.run_turn();
  EXPECT_EQ(log, "t");
  loop.run_turn();
  EXPECT_EQ(log, "tt");
  loop.cancel(timer.timer);
}

TEST(LoopTimer, TimeStandsStillInATurn) {
  TestLoop loop;
  struct Watching {
    explicit Watching(TestLoop& on) : loop(on) {}
    void look() { seen = loop.now(); }
    TestLoop& loop;
    Time seen{};
    MemberTimer<Watching, &Watching::look> timer{*this};
  } watching(loop);
  const Time start = loop.now();
  loop.arm(watching.timer, 5ms);
  loop.advance(1s);
  EXPECT_EQ(watching.seen, start + 5ms);
  EXPECT_EQ(loop.now(), start + 1s);
}

TEST(LoopTimerDeathTest, DestroyedWhileArmedIsOurMistake) {
  EXPECT_DEATH(
      {
        TestLoop loop;
        std::string log;
        Noting timer(log, 't');
        loop.arm(timer.timer, 1ms);
      },
      "cancelled before it is destroyed");
}

TEST(Loops, TheLeastLoadedIsTakenAndGivenBack) {
  TestLoops loops(3);
  EXPECT_EQ(loops.all().size(), 3u);
  EXPECT_EQ(loops.acquire_least_loaded().index(), 0u);
  EXPECT_EQ(loops.acquire_least_loaded().index(), 1u);
  EXPECT_EQ(loops.acquire_least_loaded().index(), 2u);
  loops.release(loops[1]);
  EXPECT_EQ(loops.acquire_least_loaded().index(), 1u);
  EXPECT_EQ(loops.load(1), 1u);
}

TEST(Loops, OnlyTheLoopWhoseTurnItIsIsHere) {
  TestLoops loops(2);
  EXPECT_TRUE(loops[0].is_here() && loops[1].is_here());
  bool first_here = false;
  bool second_here = true;
  post_call(loops[0], [&] { first_here = loops[0].is_here(), second_here = loops[1].is_here(); });
  loops.run_until_idle();
  EXPECT_TRUE(first_here);
  EXPECT_FALSE(second_here);
  bool elsewhere = true;
  std::thread([&] { elsewhere = loops[0].is_here(); }).join();
  EXPECT_FALSE(elsewhere);
}

TEST(Loops, ShareOneClock) {
  TestLoops loops(2);
  std::string log;
  Noting first(log, 'a');
  Noting second(log, 'b');
  loops[0].arm(first.timer, 20ms);
  loops[1].arm(second.timer, 10ms);
  loops.advance(30ms);
  EXPECT_EQ(log, "ba");
  EXPECT_EQ(loops[0].now(), loops[1].now());
}

}  // namespace
}  // namespace weft
