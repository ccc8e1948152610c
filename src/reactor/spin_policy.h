// How long a reactor that has nothing to do goes on looking for work before it sleeps.  To be woken costs
// more than to look for a moment, so it looks when work has lately come within such a moment, but not where
// others wait for the CPU.  Belongs to its reactor's thread.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/loop.h"

namespace weft::reactor {

class SpinPolicy {
 public:
  // About what it costs to sleep and be woken, the other side's part included.
  static constexpr Duration kMoment = std::chrono::microseconds(50);
  // How often it asks whether the thread had to wait for its CPU, and how long it leaves the CPU to others
  // when that was more than one part in kCrowdedPart of the time.
  static constexpr Duration kCheckTime = std::chrono::milliseconds(10);
  static constexpr Duration kLeftToOthers = std::chrono::seconds(5);
  static constexpr int kCrowdedPart = 4;

  // How long the thread has waited for a CPU, in all; empty: nobody knows, and it never looks.
  using ReadDelay = std::move_only_function<std::optional<Duration>()>;

  // Always for `fixed` after the last work; empty: as it was learned.
  SpinPolicy(std::optional<Duration> fixed, ReadDelay read_delay)
      : fixed_(fixed), read_delay_(std::move(read_delay)) {}

  void note_work(Time at) {
    if (!idle_) return;
    idle_ = false;
    const bool was_short = at - idle_since_ <= kMoment;
    score_ = was_short ? std::min(score_ + 1, kMostScore) : std::max(score_ - kMissCosts, 0);
  }

  // At the end of a turn after which nothing is left to do.
  bool looks_on(Time at) {
    if (!idle_) {
      idle_ = true;
      idle_since_ = at;
    }
    const Duration waited = at - idle_since_;
    if (fixed_) return waited < *fixed_;
    return score_ >= kEnough && waited < kMoment && !is_crowded(at);
  }

 private:
  static constexpr int kMostScore = 8;
  static constexpr int kEnough = 4;
  static constexpr int kMissCosts = 4;

  bool is_crowded(Time at) {
    if (at < next_check_) return crowded_;
    const std::optional<Duration> delay = read_delay_();
    const bool knows = delay && delay_;
    crowded_ = !knows || (*delay - *delay_) * kCrowdedPart > at - last_check_;
    next_check_ = at + (knows && crowded_ ? kLeftToOthers : kCheckTime);
    last_check_ = at;
    delay_ = delay;
    return crowded_;
  }

  const std::optional<Duration> fixed_;
  ReadDelay read_delay_;
  int score_ = 0;
  bool idle_ = false;
  Time idle_since_{};
  bool crowded_ = true;
  Time last_check_{};
  Time next_check_{};
  std::optional<Duration> delay_;  // at the last check
};

}  // namespace weft::reactor
