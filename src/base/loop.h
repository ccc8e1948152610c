// A Loop is one thread's event loop as everything above the reactor sees it: time, timers, and work posted
// to it.  The reactor implements it on io_uring; a simulation implements it on a simulated clock.  Code
// that needs time or a thread receives a Loop (or Loops); there is no thread-local and no global.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>

#include "base/intrusive.h"

namespace weft {

class BufferPool;
class Dice;

using Duration = std::chrono::nanoseconds;

// Monotonic; its zero means nothing.
struct LoopClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<LoopClock>;
  static constexpr bool is_steady = true;
};
using Time = LoopClock::time_point;

// Work for a Loop.  The owner embeds it and keeps it alive until it ran.  A task is posted again only
// after it started to run; is_posted() tells.
class Task {
 public:
  using Function = void (*)(Task&) noexcept;
  explicit Task(Function function) : function_(function) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  bool is_posted() const { return posted_.load(std::memory_order_acquire); }

  // For implementations of Loop only.
  void mark_posted();  // check: was not posted
  void run() noexcept {
    posted_.store(false, std::memory_order_release);
    function_(*this);
  }
  std::atomic<Task*> next{nullptr};

 private:
  Function function_;
  std::atomic<bool> posted_{false};
};

// A one-shot timer.  The owner embeds it; destroying it while armed is a failed check.
class Timer : public ListHook<> {
 public:
  using Function = void (*)(Timer&) noexcept;
  explicit Timer(Function function) : function_(function) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  bool is_armed() const { return armed_; }

  // For implementations of Loop only.
  void mark_armed(Time deadline) { armed_ = true, deadline_ = deadline; }
  void mark_idle() { armed_ = false; }
  Time deadline() const { return deadline_; }
  void run() noexcept { function_(*this); }
  std::uint32_t slot = 0;  // where the loop's wheel keeps it

 private:
  Function function_;
  Time deadline_{};
  bool armed_ = false;
};

class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop() = default;

  // Stands still during one turn of the loop.  Here only.
  virtual Time now() const = 0;

  // Runs the timer once at or after now() + delay.  Arming an armed timer moves it.  Here only.
  virtual void arm(Timer& timer, Duration delay) = 0;
  virtual void cancel(Timer& timer) = 0;  // no effect on an idle timer

  // Runs the task on this loop in a later turn; tasks of one poster run in the order posted.  Any thread.
  virtual void post(Task& task) = 0;

  // Runs the task at the end of this turn, before the loop hands what it gathered to the kernel.  Here only.
  virtual void defer(Task& task) = 0;

  virtual bool is_here() const = 0;  // is the caller on this loop's thread?  Any thread.

  virtual BufferPool& buffers() = 0;   // here only
  virtual Dice& dice() = 0;            // here only
  virtual unsigned index() const = 0;  // place among Loops, 0-based.  Any thread.
};

// All loops of a process.
class Loops {
 public:
  virtual ~Loops() = default;
  virtual std::span<Loop* const> all() const = 0;  // fixed for its life.  Any thread.

  // Of those in use, the loop that carries the least; it counts one more until release().  Any thread.
  virtual Loop& acquire_least_loaded() = 0;
  virtual void release(Loop& loop) = 0;

  // How many of all(), from the first on, get what comes from now on; what the others carry stays with them
  // until it ends.  1 to all.  Any thread.
  virtual void use(unsigned count) = 0;
  virtual unsigned in_use() const = 0;
};

// Calls a member function when a Task runs:  MemberTask<Thing, &Thing::on_ready> ready_{*this};
template <class Owner, void (Owner::*kMember)()>
class MemberTask : public Task {
 public:
  explicit MemberTask(Owner& owner) : Task(&MemberTask::invoke), owner_(owner) {}

 private:
  static void invoke(Task& task) noexcept { (static_cast<MemberTask&>(task).owner_.*kMember)(); }
  Owner& owner_;
};

// The same for a Timer.
template <class Owner, void (Owner::*kMember)()>
class MemberTimer : public Timer {
 public:
  explicit MemberTimer(Owner& owner) : Timer(&MemberTimer::invoke), owner_(owner) {}

 private:
  static void invoke(Timer& timer) noexcept { (static_cast<MemberTimer&>(timer).owner_.*kMember)(); }
  Owner& owner_;
};

}  // namespace weft
