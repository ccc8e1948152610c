// Late commands: those still in flight at the backend when their controller ended.  A host that reconnects
// may send its writes again; one of its past that completes afterwards must not overwrite them.  So a late
// write keeps its range fenced until it completes, and a later overlapping write, compare, zero or discard
// waits for it.
//
// The usual case, nothing late, costs one load of an atomic for each command.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/intrusive.h"
#include "base/loop.h"

namespace weft::block {

class Fence {
 public:
  static constexpr std::uint32_t kMaxLate = 4096;  // beyond it, new commands are refused: overloaded()

  // A command that outlived its controller; embedded in the command.  blocks == 0 fences nothing (a read, a
  // flush) but counts.
  class Late : public ListHook<> {
   public:
    std::uint64_t lba = 0;
    std::uint64_t blocks = 0;
    bool registered = false;
  };

  // A command that waits for late ones; embedded in the command.  `go` is posted to `loop` when it may pass:
  // it then calls admit again.
  class Waiter : public ListHook<> {
   public:
    Waiter(Loop& on, Task& when_free) : loop(on), go(when_free) {}
    Loop& loop;
    Task& go;
    std::uint64_t lba = 0;
    std::uint64_t blocks = 0;
    bool waiting = false;
  };

  Fence() = default;
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;
  ~Fence();

  // Any thread.
  bool idle() const { return late_count_.load(std::memory_order_acquire) == 0; }
  bool overloaded() const { return late_count_.load(std::memory_order_relaxed) > kMaxLate; }
  std::uint32_t late_count() const { return late_count_.load(std::memory_order_relaxed); }

  void add(Late& late);     // lba and blocks are set
  void remove(Late& late);  // it completed; posts those who may now pass

  // True: nothing late overlaps [waiter.lba, +blocks).  False: the waiter is queued.
  bool admit(Waiter& waiter);
  // Takes a waiter out again; false when its task is posted already (it then still runs).
  bool cancel(Waiter& waiter);

 private:
  bool blocked(const Waiter& waiter) const;

  std::atomic<std::uint32_t> late_count_{0};
  std::mutex mutex_;
  List<Late> late_;
  List<Waiter> waiters_;
};

}  // namespace weft::block
