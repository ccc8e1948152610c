// The product waits as it always does; here the world decides who goes on.
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <thread>

#include "base/run_on.h"
#include "sim/world.h"

namespace weft::sim {
namespace {

class ThreadsTest : public ::testing::Test {
 protected:
  bool run(std::function<void()> body) {
    bool is_over = false;
    world_.threads().start(process_, [&, body = std::move(body)] {
      body();
      is_over = true;
    });
    return world_.run_until([&is_over] { return is_over; }, std::chrono::seconds(60));
  }

  World world_{1, false};
  SimLoops& process_ = world_.add_process("it", 2);
};

TEST_F(ThreadsTest, WaitForEachOtherInSimulatedTime) {
  std::mutex mutex;
  std::condition_variable changed;
  int value = 0;
  const auto start = world_.now();
  ASSERT_TRUE(run([&] {
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::seconds(5));
      const std::scoped_lock lock(mutex);
      value = 1;
      changed.notify_all();
    });
    std::unique_lock lock(mutex);
    EXPECT_FALSE(changed.wait_for(lock, std::chrono::seconds(2), [&] { return value == 1; }));
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(9), [&] { return value == 1; }));
    lock.unlock();
    other.join();
  }));
  EXPECT_GE(world_.now() - start, std::chrono::seconds(5));
  EXPECT_LT(world_.now() - start, std::chrono::seconds(6));
}

TEST_F(ThreadsTest, WaitForLoops) {
  int loop = -1;
  ASSERT_TRUE(run([&] { run_on(*process_.all()[1], [&] { loop = 1; }); }));
  EXPECT_EQ(loop, 1);
}

TEST_F(ThreadsTest, ReadTogetherAndWriteAlone) {
  std::shared_mutex mutex;
  int readers = 0;
  int most = 0;
  bool is_written = false;
  ASSERT_TRUE(run([&] {
    std::vector<std::thread> all;
    for (int i = 0; i < 6; ++i)
      all.emplace_back([&, i] {
        for (int turn = 0; turn < 20; ++turn) {
          if (i == 0) {
            const std::unique_lock lock(mutex);
            is_written = true;
            EXPECT_EQ(readers, 0);
            std::this_thread::yield();
            is_written = false;
            continue;
          }
          const std::shared_lock lock(mutex);
          most = std::max(most, ++readers);
          EXPECT_FALSE(is_written);
          std::this_thread::yield();
          --readers;
        }
      });
    for (auto& each : all) each.join();
  }));
  EXPECT_GT(most, 1);
}

// An increment that is torn by a lock between its halves is lost in some orders and not in others.
TEST_F(ThreadsTest, GoOnInAnyOrder) {
  std::set<int> sums;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    World world(seed, false);
    SimLoops& process = world.add_process("it", 1);
    int sum = 0;
    int ended = 0;
    std::mutex mutex;
    for (int i = 0; i < 2; ++i)
      world.threads().start(process, [&] {
        const int before = sum;
        mutex.lock();
        mutex.unlock();
        sum = before + 1;
        ++ended;
      });
    ASSERT_TRUE(world.run_until([&] { return ended == 2; }, std::chrono::seconds(1)));
    sums.insert(sum);
  }
  EXPECT_EQ(sums, (std::set{1, 2}));
}

TEST_F(ThreadsTest, OfAKilledProcessNeverGoOn) {
  bool went_on = false;
  std::mutex mutex;
  world_.threads().start(process_, [&] {
    const std::scoped_lock lock(mutex);
    std::this_thread::sleep_for(std::chrono::seconds(1));
    went_on = true;
  });
  world_.run_for(std::chrono::milliseconds(500));
  world_.kill(process_);
  world_.run_for(std::chrono::seconds(5));
  EXPECT_FALSE(went_on);
}

}  // namespace
}  // namespace weft::sim
