// Timers in a hierarchical wheel: arming and cancelling cost the same however many there are.  A tick is a
// millisecond.  A timer never fires before its deadline, and at most a tick after the first advance() past
// it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/loop.h"

namespace weft::reactor {

class TimerWheel {
 public:
  explicit TimerWheel(Time start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();  // timers that are left become idle

  void arm(Timer& timer, Time deadline);  // moves one that is armed
  void cancel(Timer& timer);              // no effect on an idle one

  // Runs what is due at `now`, earlier deadlines first (by the tick).  What is armed meanwhile waits for the
  // next call, whatever its deadline.  Returns how many ran.
  unsigned advance(Time now);

  // When advance() has something to do next: never later than the earliest deadline's tick; it may come
  // earlier, a few times per timer, to sort far ones.  Empty when no timer is armed.
  std::optional<Time> next_wake() const;

 private:
  // Each level has 64 slots, each as wide as all of the level below; together they cover 64 bits of ticks.
  static constexpr unsigned kSlotBits = 6;
  static constexpr unsigned kSlots = 1u << kSlotBits;
  static constexpr unsigned kLevels = 11;
  static constexpr std::uint32_t kDue = kLevels * kSlots;  // places after those of the levels
  static constexpr std::uint32_t kRunning = kDue + 1;

  struct Next {
    unsigned level;
    unsigned slot;
    std::uint64_t tick;
  };
  std::optional<Next> next() const;
  void place(Timer& timer);
  void put(Timer& timer, std::uint32_t slot);

  std::uint64_t tick_;  // of the last advance
  std::array<std::uint64_t, kLevels> occupied_{};
  std::array<List<Timer>, kRunning + 1> lists_;
};

}  // namespace weft::reactor
