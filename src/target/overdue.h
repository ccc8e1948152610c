// Commands that take long: whose they are, where they wait, and for how long.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/loop.h"

namespace weft::target {

class LoopState;

// Of one host and subsystem, at one place.
struct Overdue {
  std::string hostnqn;     // empty: it has not connected yet
  std::string subnqn;      // likewise
  std::string peer;        // the host's address, of the oldest
  std::string_view place;  // "at the backend": what they wait for, for people
  std::string backend;     // <plugin>_<N>/<device>, where they have to do with one
  std::size_t commands = 0;
  std::string oldest;  // "Write of namespace 1"
  Duration time{};     // for which the oldest has been here

  bool is_of_same(const Overdue& other) const {
    return hostnqn == other.hostnqn && subnqn == other.subnqn && place == other.place &&
           backend == other.backend;
  }
};

// Those of this loop that came longer ago than that, the ones of a host together; without what is there to
// wait (requests for events).  On the loop.
std::vector<Overdue> find_overdue(LoopState& state, Duration longer_than);

}  // namespace weft::target
