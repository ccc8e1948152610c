// Waiting for many things that end one after the other: thousands take their time, and only a pause tells
// that one hangs.
#pragma once

#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "base/loop.h"

namespace weft {

// Until left() is zero; false when it has not changed for `patience`.  `lock` is that of what left() reads,
// and `changed` is told of its changes.  Blocks; never on a loop.
template <std::invocable Left>
bool await_none_left(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, Duration patience,
                     Left left) {
  while (const std::size_t before = left())
    if (!changed.wait_for(lock, patience, [&] { return left() != before; })) return false;
  return true;
}

}  // namespace weft
