#include "reactor/lane.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "base/test_loop.h"

namespace weft::reactor {
namespace {

struct TestJob : Lane::Job, Task {
  TestJob(Loop& on, std::function<void()> to_do, std::function<void()> when_done)
      : Task(&TestJob::on_done), work(std::move(to_do)), after(std::move(when_done)) {
    Lane::Job::run = [](Lane::Job& job) noexcept { static_cast<TestJob&>(job).work(); };
    loop = &on;
    done = this;
  }
  static void on_done(Task& task) noexcept { static_cast<TestJob&>(task).after(); }
  std::function<void()> work;
  std::function<void()> after;
};

TEST(Lane, RunsJobsInOrderElsewhereAndTellsHere) {
  TestLoop loop;
  Lane lane("lane-test");
  std::vector<int> order;
  int told = 0;
  bool elsewhere = true;
  std::vector<std::unique_ptr<TestJob>> jobs;
  for (int i = 0; i < 100; ++i) {
    jobs.push_back(std::make_unique<TestJob>(
        loop,
        [&, i] {
          order.push_back(i);
          elsewhere = elsewhere && !loop.is_here();
        },
        [&, i] {
          EXPECT_TRUE(loop.is_here());
          EXPECT_EQ(told, i);
          ++told;
        }));
    ASSERT_TRUE(lane.submit(*jobs.back()));
  }
  ASSERT_TRUE(loop.run_until([&] { return told == 100; }));
  EXPECT_TRUE(elsewhere);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST(Lane, TellsHowLongItsJobHasBeenAtIt) {
  TestLoop loop;
  Lane lane("lane-test");
  EXPECT_EQ(lane.busy_for(), Duration::zero());
  std::promise<void> started, go_on;
  bool done = false;
  TestJob job(
      loop,
      [&] {
        started.set_value();
        go_on.get_future().wait();
      },
      [&] { done = true; });
  ASSERT_TRUE(lane.submit(job));
  started.get_future().wait();
  const Duration first = lane.busy_for();
  EXPECT_GT(first, Duration::zero());
  EXPECT_GT(lane.busy_for(), first);
  go_on.set_value();
  ASSERT_TRUE(loop.run_until([&] { return done; }));
  EXPECT_EQ(lane.busy_for(), Duration::zero());
}

TEST(Lane, FinishesItsJobsBeforeItEnds) {
  TestLoop loop;
  int ran = 0;
  int told = 0;
  std::vector<std::unique_ptr<TestJob>> jobs;
  {
    Lane lane("lane-test");
    for (int i = 0; i < 10; ++i) {
      jobs.push_back(std::make_unique<TestJob>(loop, [&ran] { ++ran; }, [&told] { ++told; }));
      ASSERT_TRUE(lane.submit(*jobs.back()));
    }
  }
  EXPECT_EQ(ran, 10);
  loop.run_until_idle();
  EXPECT_EQ(told, 10);
}

TEST(Lane, LeavesAThreadThatHangsBehindAndHearsNoMoreOfIt) {
  TestLoop loop;
  std::promise<void> started, go_on, came_back;
  int told = 0;
  TestJob hanging(
      loop,
      [&] {
        started.set_value();
        go_on.get_future().wait();
        came_back.set_value();
      },
      [&told] { ++told; });
  TestJob queued(loop, [] { ADD_FAILURE() << "a job of a lane that is gone ran"; }, [&told] { ++told; });
  {
    Lane lane("lane-test");
    ASSERT_TRUE(lane.submit(hanging));
    ASSERT_TRUE(lane.submit(queued));
    started.get_future().wait();
  }
  go_on.set_value();
  came_back.get_future().wait();
  loop.run_until_idle();
  EXPECT_EQ(told, 0);
}

// While one lives, the system gives no thread: none has room for a stack of this size.
class NoThreads {
 public:
  NoThreads() {
    ::pthread_getattr_default_np(&before_);
    pthread_attr_t attributes = before_;
    constexpr std::size_t kBeyondAllAddresses = std::size_t{1} << 50;
    ::pthread_attr_setstacksize(&attributes, kBeyondAllAddresses);
    EXPECT_EQ(::pthread_setattr_default_np(&attributes), 0);
  }
  ~NoThreads() { ::pthread_setattr_default_np(&before_); }

 private:
  pthread_attr_t before_{};
};

TEST(Lane, RefusesWorkWhenTheSystemHasNoThread) {
  TestLoop loop;
  Lane lane("lane-test");
  bool done = false;
  TestJob job(loop, [] {}, [&] { done = true; });
  {
    const NoThreads none;
    EXPECT_FALSE(lane.submit(job));
    EXPECT_FALSE(lane.submit(job)) << "and again";
  }
  loop.run_until_idle();
  EXPECT_FALSE(done);
  ASSERT_TRUE(lane.submit(job)) << "it has one again";
  EXPECT_TRUE(loop.run_until([&] { return done; }));
}

}  // namespace
}  // namespace weft::reactor
