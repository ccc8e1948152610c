// Something that an administrator changes while hosts work: for a while it may be so or so, then it has
// settled, and whatever begins later finds it so.
#pragma once

#include <optional>

#include "base/loop.h"

namespace weft::sim {

class Condition {
 public:
  using Change = unsigned;
  Change changes() {
    settled_.reset();
    return ++change_;
  }
  // Nothing, when another change has begun since.
  void settles(Change change, bool value, Time now) {
    if (change != change_) return;
    settled_ = value;
    since_ = now;
  }
  // What somebody has found who began then and ended now; empty: either.
  std::optional<bool> since(Time began) const { return began >= since_ ? settled_ : std::nullopt; }
  bool is(bool value) const { return settled_ == value; }

 private:
  Change change_ = 0;
  std::optional<bool> settled_ = true;
  Time since_ = Time::min();
};

}  // namespace weft::sim
