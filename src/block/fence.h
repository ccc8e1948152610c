// Late commands: those still in flight at the backend when their controller ended.  A host that reconnects
// may send its writes again; one of its past that completes afterwards must not overwrite them.  So a late
// write keeps its range fenced until it completes, and a later overlapping write, compare, zero or discard
// waits for it.
//
// A fused pair holds its range in the same way, so that nothing is written between what it compares and what
// it writes, and has others' writes that are under way fenced, to wait for them.
//
// The usual case, nothing fenced, costs one load of an atomic for each command.
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

  // A command that outlived its controller, or a range that is held; embedded in whoever fences.  blocks == 0
  // fences nothing (a read, a flush) but counts.
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
    const Late* own = nullptr;  // what it holds itself, and does not wait for
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
  // The same; when it returns true, `hold` fences the waiter's range from then on.
  bool admit_and_hold(Waiter& waiter, Late& hold);
  // Takes a waiter out again; false when its task is posted already (it then still runs).
  bool cancel(Waiter& waiter);

 private:
  void insert(Late& late);
  bool admit_locked(Waiter& waiter);
  bool blocked(const Waiter& waiter) const;

  std::atomic<std::uint32_t> late_count_{0};
  std::mutex mutex_;
  List<Late> late_;
  List<Waiter> waiters_;
};

}  // namespace weft::block
