// Asymmetric namespace access (NVMe Base 2.1, section 8.1.1): how a subsystem's namespaces are reached
// through one of its ports.  A namespace is in one group; each port has a state for each group.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "wire/log_page.h"
#include "wire/status.h"

namespace weft::target {

inline constexpr std::uint32_t kMaxAnaGroups = 128;        // ANAGRPMAX
inline constexpr std::uint8_t kAnaTransitionSeconds = 10;  // ANATT: nothing stays in Change for longer

// The states of all groups through one port.  A value.
class AnaStates {
 public:
  // Group 1 is optimized, all others are inaccessible.
  constexpr AnaStates() {
    states_.fill(wire::AnaState::inaccessible);
    states_[0] = wire::AnaState::optimized;
  }
  constexpr bool operator==(const AnaStates&) const = default;

  // `group` is from 1 to kMaxAnaGroups.
  constexpr wire::AnaState of(AnaGroupId group) const { return states_[group.value() - 1]; }
  constexpr void set(AnaGroupId group, wire::AnaState state) { states_[group.value() - 1] = state; }

 private:
  std::array<wire::AnaState, kMaxAnaGroups> states_{};
};

// What a command to a namespace in this state is answered with; success: it is admitted.
constexpr wire::Status ana_status(wire::AnaState state) {
  switch (state) {
    case wire::AnaState::optimized:
    case wire::AnaState::non_optimized:
      return wire::status::kSuccess;
    case wire::AnaState::inaccessible:
      return wire::status::kAnaInaccessible;
    case wire::AnaState::persistent_loss:
      return wire::status::kAnaPersistentLoss;
    case wire::AnaState::change:
      break;
  }
  return wire::status::kAnaTransition;
}

struct PortAna {
  PortId port;
  std::shared_ptr<const AnaStates> states;
};

}  // namespace weft::target
