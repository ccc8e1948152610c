// One run of a scenario from one seed.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "sim/scenario.h"

namespace weft::sim {

struct Counts {
  std::uint64_t commands = 0;
  std::uint64_t unsuccessful = 0;
  std::uint64_t losses = 0;  // of controllers
  std::uint64_t faults = 0;
  Counts& operator+=(const Counts& other) {
    commands += other.commands;
    unsuccessful += other.unsuccessful;
    losses += other.losses;
    faults += other.faults;
    return *this;
  }
};

struct Report {
  std::string violation;   // empty: none
  std::uint64_t hash = 0;  // of all that happened
  Counts counts;
  std::deque<std::string> last;  // lines of the trace
};

Report run(const Scenario& scenario, std::uint64_t seed, bool echo = false);

}  // namespace weft::sim
