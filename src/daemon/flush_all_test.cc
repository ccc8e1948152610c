#include "daemon/flush_all.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "base/call.h"
#include "base/test_loop.h"
#include "block/completions.h"

namespace weft::daemon {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Answers flushes with an errno, or not before it is let go.
class FlushBackend final : public block::Backend {
 public:
  FlushBackend(const std::string& name, block::Geometry geometry, int answer)
      : Backend(name, Uuid{}), geometry_(geometry), answer_(answer) {}
  block::Geometry geometry() const override { return geometry_; }
  std::unique_ptr<block::Channel> open_channel(Loop& loop) override {
    return std::make_unique<FlushChannel>(loop, *this);
  }
  std::string info() const override { return "test"; }

  static constexpr int kHang = -1;
  std::atomic<int> flushes = 0;
  std::atomic<int> channels = 0;
  // On the loop.
  void let_go() {
    if (held_ == nullptr) return;
    held_->answer();
  }

 private:
  class FlushChannel final : public block::Channel {
   public:
    FlushChannel(Loop& loop, FlushBackend& owner) : owner_(owner), answers_(loop) { ++owner_.channels; }
    ~FlushChannel() override { --owner_.channels; }
    void submit(block::Request& request) override {
      EXPECT_EQ(request.op, block::Op::flush);
      ++owner_.flushes;
      if (owner_.answer_ != kHang) return answers_.add(request, owner_.answer_);
      waiting_ = &request;
      owner_.held_ = this;
    }
    void answer() {
      owner_.held_ = nullptr;
      answers_.add(*waiting_, 0);
    }

   private:
    FlushBackend& owner_;
    block::Completions answers_;
    block::Request* waiting_ = nullptr;
  };

  const block::Geometry geometry_;
  const int answer_;
  FlushChannel* held_ = nullptr;
};

// A loop on a thread of its own, as flush_all waits for it.
class LoopThread {
 public:
  LoopThread() {
    std::atomic<TestLoops*> made = nullptr;
    thread_ = std::jthread([&made](const std::stop_token& stop) {
      TestLoops loops(1);
      made = &loops;
      made.notify_all();
      while (!stop.stop_requested()) loops[0].run_until([&stop] { return stop.stop_requested(); });
      loops.run_until_idle();
    });
    made.wait(nullptr);
    loops_ = made;
  }
  ~LoopThread() {
    call([this] { thread_.request_stop(); });
  }
  TestLoops& loops() { return *loops_; }
  void call(std::move_only_function<void()> work) { post_call(*loops_->all()[0], std::move(work)); }

 private:
  TestLoops* loops_ = nullptr;
  std::jthread thread_;
};

constexpr block::Geometry kCached{.blocks = 8, .volatile_cache = true};

std::shared_ptr<FlushBackend> make(const std::string& name, int answer, block::Geometry geometry = kCached) {
  return std::make_shared<FlushBackend>(name, geometry, answer);
}

TEST(FlushAll, FlushesWhatHasACache) {
  LoopThread thread;
  const auto one = make("one", 0);
  const auto two = make("two", 0);
  const auto durable = make("durable", EIO, {.blocks = 8});
  const auto read_only = make("read_only", EIO, {.blocks = 8, .volatile_cache = true, .read_only = true});
  const auto outcome = flush_all(thread.loops(), {one, two, durable, read_only}, 60s);
  EXPECT_THAT(outcome.failed, IsEmpty());
  EXPECT_THAT(outcome.hanging, IsEmpty());
  EXPECT_EQ(one->flushes, 1);
  EXPECT_EQ(two->flushes, 1);
  EXPECT_EQ(durable->flushes, 0);
  EXPECT_EQ(read_only->flushes, 0);
  EXPECT_EQ(one->channels, 0);
}

TEST(FlushAll, OfNothingIsDone) {
  LoopThread thread;
  const auto outcome = flush_all(thread.loops(), {}, 60s);
  EXPECT_THAT(outcome.failed, IsEmpty());
  EXPECT_THAT(outcome.hanging, IsEmpty());
}

TEST(FlushAll, NamesWhatFails) {
  LoopThread thread;
  const auto outcome =
      flush_all(thread.loops(), {make("good", 0), make("full", ENOSPC), make("bad", EIO)}, 60s);
  EXPECT_THAT(outcome.failed,
              testing::UnorderedElementsAre("full: " + errno_text(ENOSPC), "bad: " + errno_text(EIO)));
  EXPECT_THAT(outcome.hanging, IsEmpty());
}

TEST(FlushAll, NamesWhatHangsAndLeavesItBehind) {
  LoopThread thread;
  const auto hanging = make("hanging", FlushBackend::kHang);
  const auto good = make("good", 0);
  // The time is over when it hangs, however long it is: only the good one must have had its turn.
  auto outcome = flush_all(thread.loops(), {good}, 60s);
  EXPECT_THAT(outcome.hanging, IsEmpty());
  outcome = flush_all(thread.loops(), {hanging}, 1ms);
  EXPECT_THAT(outcome.failed, IsEmpty());
  EXPECT_THAT(outcome.hanging, ElementsAre("hanging"));
  // Its answer after all meets nobody who waits.
  std::atomic<bool> answered = false;
  thread.call([&] {
    hanging->let_go();
    answered = true;
    answered.notify_all();
  });
  answered.wait(false);
  while (hanging->channels > 0) std::this_thread::yield();
  EXPECT_EQ(hanging->flushes, 1);
}

TEST(FlushAll, WaitsAsLongAsTheyAnswerOneAfterTheOther) {
  LoopThread thread;
  constexpr auto kStep = 1s;
  constexpr auto kPatience = 3s;
  std::vector<std::shared_ptr<FlushBackend>> slow;
  for (const char* name : {"one", "two", "three", "four"}) slow.push_back(make(name, FlushBackend::kHang));
  const std::jthread disk([&] {
    for (const auto& each : slow) {
      while (each->flushes == 0) std::this_thread::yield();
      std::this_thread::sleep_for(kStep);
      thread.call([&each] { each->let_go(); });
    }
  });
  const auto outcome = flush_all(thread.loops(), {slow.begin(), slow.end()}, kPatience);
  EXPECT_THAT(outcome.hanging, IsEmpty()) << "four steps take longer than the patience";
}

}  // namespace
}  // namespace weft::daemon
