// Something that an administrator changes while hosts work: for a while it may be so or so, then it has
// settled, and whatever begins later finds it so.
#pragma once

#include <optional>

#include "base/loop.h"

namespace weft::sim {

class Condition {
 public:
  void changes() { settled_.reset(); }
  void settles(bool value, Time now) {
    settled_ = value;
    since_ = now;
  }
  // What somebody has found who began then and ended now; empty: either.
  std::optional<bool> since(Time began) const { return began >= since_ ? settled_ : std::nullopt; }
  bool is(bool value) const { return settled_ == value; }

 private:
  std::optional<bool> settled_ = true;
  Time since_ = Time::min();
};

}  // namespace weft::sim
