// A loop that allocates nothing itself, for tests and benchmarks that count allocations or time: the caller
// turns it, its clock stands still and no timer ever runs.  Single-threaded.
#pragma once

#include <span>

#include "base/buffer.h"
#include "base/check.h"
#include "base/dice.h"
#include "base/loop.h"

namespace weft {

class BareLoop final : public Loop {
 public:
  Time now() const override { return now_; }
  void arm(Timer& timer, Duration delay) override {
    cancel(timer);
    timer.mark_armed(now_ + delay);
    timers_.push_back(timer);
  }
  void cancel(Timer& timer) override {
    if (!timer.is_armed()) return;
    timers_.erase(timers_.iterator_to(timer));
    timer.mark_idle();
  }
  void post(Task& task) override { posted_.add(task); }
  void defer(Task& task) override { deferred_.add(task); }
  bool is_here() const override { return true; }
  BufferPool& buffers() override { return pool_; }
  Dice& dice() override { return dice_; }
  unsigned index() const override { return 0; }

  // What was posted before now, then what was deferred.  False when there was nothing to do.
  bool run_turn() {
    Tasks now = posted_;
    posted_ = {};
    const bool worked = !now.empty() || !deferred_.empty();
    now.run();
    deferred_.run();
    return worked;
  }
  void run_until_idle() {
    while (run_turn()) {
    }
  }

 private:
  class Tasks {
   public:
    bool empty() const { return first_ == nullptr; }
    void add(Task& task) {
      task.mark_posted();
      task.next.store(nullptr, std::memory_order_relaxed);
      if (first_ == nullptr)
        first_ = &task;
      else
        last_->next.store(&task, std::memory_order_relaxed);
      last_ = &task;
    }
    void run() {
      while (first_ != nullptr) {
        Task* const task = first_;
        first_ = task->next.load(std::memory_order_relaxed);
        task->run();
      }
    }

   private:
    Task* first_ = nullptr;
    Task* last_ = nullptr;
  };

  static constexpr std::size_t kBufferBytes = std::size_t{64} * 1024 * 1024;

  Time now_{std::chrono::seconds(1)};
  Tasks posted_;
  Tasks deferred_;
  List<Timer> timers_;
  Dice dice_{1};
  BufferPool pool_{*this, kBufferBytes};
};

class BareLoops final : public Loops {
 public:
  BareLoop& loop() { return loop_; }
  std::span<Loop* const> all() const override { return all_; }
  Loop& acquire_least_loaded() override { return loop_; }
  void release(Loop&) override {}
  void use(unsigned) override {}
  unsigned in_use() const override { return 1; }

 private:
  BareLoop loop_;
  Loop* const all_[1] = {&loop_};
};

}  // namespace weft
