// A Loop for unit tests: nothing happens until the test says so, and time moves only by advance().  The same
// steps give the same order.  Only post() may be called from another thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/buffer.h"
#include "base/check.h"
#include "base/dice.h"
#include "base/loop.h"

namespace weft {

class TestLoop : public Loop {
 public:
  static constexpr std::size_t kDefaultBufferBytes = std::size_t{64} * 1024 * 1024;

  explicit TestLoop(unsigned index = 0, std::size_t buffer_bytes = kDefaultBufferBytes)
      : index_(index), pool_(*this, buffer_bytes) {}

  Time now() const override { return now_; }

  void arm(Timer& timer, Duration delay) override {
    cancel(timer);
    timer.mark_armed(now_ + delay);
    timer.slot = kLater;
    auto place = timers_.begin();  // behind those of the same deadline
    while (place != timers_.end() && place->deadline() <= timer.deadline()) ++place;
    timers_.insert(place, timer);
  }

  void cancel(Timer& timer) override {
    if (!timer.is_armed()) return;
    List<Timer>& list = timer.slot == kDue ? due_ : timers_;
    list.erase(list.iterator_to(timer));
    timer.mark_idle();
  }

  void post(Task& task) override {
    task.mark_posted();
    const std::lock_guard lock(mutex_);
    posted_.push_back(&task);
    arrived_.notify_all();
  }

  void defer(Task& task) override {
    task.mark_posted();
    deferred_.push_back(&task);
  }

  // Between turns the test's own thread is at home on each loop; in a turn, on the loop whose turn it is.
  bool is_here() const override {
    return std::this_thread::get_id() == home_ && (*running_ == nullptr || *running_ == this);
  }

  BufferPool& buffers() override { return pool_; }
  Dice& dice() override { return dice_; }
  unsigned index() const override { return index_; }

  // What is due and what was posted before now, then what they deferred.  False when there was nothing to do.
  bool run_turn() {
    WEFT_CHECK(*running_ == nullptr, "a turn within a turn");
    std::deque<Task*> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(posted_);
    }
    *running_ = this;
    bool worked = run_due_timers();
    for (Task* task : tasks) task->run();
    worked = worked || !tasks.empty() || !deferred_.empty();
    while (!deferred_.empty()) {
      Task* task = deferred_.front();
      deferred_.pop_front();
      task->run();
    }
    *running_ = nullptr;
    return worked;
  }

  void run_until_idle() {
    for (unsigned turns = 0; run_turn(); ++turns) WEFT_CHECK(turns < kMostTurns, "the loop never gets idle");
  }

  // Moves the time by `duration`, stopping at each deadline on the way to run until idle.
  void advance(Duration duration) {
    const Time end = now_ + duration;
    run_until_idle();
    for (auto next = next_deadline(); next && *next <= end; next = next_deadline()) {
      move_to(*next);
      run_until_idle();
    }
    move_to(end);
  }

  // For work that another thread posts back: runs turns until `done()`, without moving the time.  False when
  // that did not come true within `patience`.
  template <class Condition>
  bool run_until(const Condition& done, std::chrono::seconds patience = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done()) {
      if (run_turn()) continue;
      std::unique_lock lock(mutex_);
      if (!arrived_.wait_until(lock, end, [this] { return !posted_.empty(); })) return false;
    }
    return true;
  }

  bool is_idle() const {
    const std::lock_guard lock(mutex_);
    return posted_.empty() && deferred_.empty() && (timers_.empty() || timers_.front().deadline() > now_);
  }

  std::optional<Time> next_deadline() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.front().deadline();
  }

 private:
  friend class TestLoops;
  static constexpr unsigned kMostTurns = 1'000'000;
  static constexpr std::uint32_t kLater = 0;  // a timer's slot: which list it is in
  static constexpr std::uint32_t kDue = 1;

  void move_to(Time time) {
    if (time > now_) now_ = time;
  }

  // Those that are armed meanwhile wait for the next turn, whatever their deadline.
  bool run_due_timers() {
    while (!timers_.empty() && timers_.front().deadline() <= now_) {
      Timer& timer = timers_.front();
      timers_.pop_front();
      timer.slot = kDue;
      due_.push_back(timer);
    }
    const bool any = !due_.empty();
    while (!due_.empty()) {
      Timer& timer = due_.front();
      due_.pop_front();
      timer.mark_idle();
      timer.run();
    }
    return any;
  }

  const unsigned index_;
  const std::thread::id home_ = std::this_thread::get_id();
  Time now_{std::chrono::seconds(1)};
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task*> posted_;
  std::deque<Task*> deferred_;
  List<Timer> timers_;  // by deadline
  List<Timer> due_;     // of this turn, not yet run
  const TestLoop* own_running_ = nullptr;
  const TestLoop** running_ = &own_running_;  // TestLoops share theirs
  Dice dice_{1};
  BufferPool pool_;
};

// Several, on one clock and all on the test's thread; each turn is one loop's, in order.
class TestLoops : public Loops {
 public:
  explicit TestLoops(unsigned count) : load_(count), in_use_(count) {
    for (unsigned i = 0; i < count; ++i) {
      loops_.push_back(std::make_unique<TestLoop>(i));
      loops_.back()->running_ = &running_;
      all_.push_back(loops_.back().get());
    }
  }

  TestLoop& operator[](unsigned index) { return *loops_.at(index); }
  std::span<Loop* const> all() const override { return all_; }

  Loop& acquire_least_loaded() override {
    const std::lock_guard lock(mutex_);
    std::size_t least = 0;
    for (std::size_t i = 1; i < in_use_; ++i)
      if (load_[i] < load_[least]) least = i;
    ++load_[least];
    return *all_[least];
  }

  void release(Loop& loop) override {
    const std::lock_guard lock(mutex_);
    WEFT_CHECK(load_.at(loop.index()) > 0, "a loop is released once for each time it was acquired");
    --load_[loop.index()];
  }

  void use(unsigned count) override {
    const std::lock_guard lock(mutex_);
    WEFT_CHECK(count > 0 && count <= load_.size());
    in_use_ = count;
  }
  unsigned in_use() const override {
    const std::lock_guard lock(mutex_);
    return in_use_;
  }

  unsigned load(unsigned index) const {
    const std::lock_guard lock(mutex_);
    return load_.at(index);
  }

  // One turn of each.  False when none had anything to do.
  bool run_turn() {
    bool worked = false;
    for (auto& loop : loops_) worked = loop->run_turn() || worked;
    return worked;
  }

  void run_until_idle() {
    for (unsigned turns = 0; run_turn(); ++turns)
      WEFT_CHECK(turns < TestLoop::kMostTurns, "the loops never get idle");
  }

  void advance(Duration duration) {
    const Time end = loops_.front()->now() + duration;
    run_until_idle();
    for (auto next = next_deadline(); next && *next <= end; next = next_deadline()) {
      move_to(*next);
      run_until_idle();
    }
    move_to(end);
  }

 private:
  std::optional<Time> next_deadline() const {
    std::optional<Time> earliest;
    for (const auto& loop : loops_) {
      const auto next = loop->next_deadline();
      if (next && (!earliest || *next < *earliest)) earliest = next;
    }
    return earliest;
  }

  void move_to(Time time) {
    for (auto& loop : loops_) loop->move_to(time);
  }

  const TestLoop* running_ = nullptr;
  std::vector<std::unique_ptr<TestLoop>> loops_;
  std::vector<Loop*> all_;
  mutable std::mutex mutex_;
  std::vector<unsigned> load_;
  unsigned in_use_;
};

}  // namespace weft
