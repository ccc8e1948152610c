// The feature values of one controller (NVMe Base 2.1, section 5.1.25) that Set Features changes.  Belongs to
// the controller's loop; a new controller starts with the defaults.
#pragma once

#include <cstdint>

#include "wire/features.h"

namespace weft::target {

// There is no sensor behind a namespace of files or memory: a temperature that no host takes for a fault.
inline constexpr std::uint16_t kCompositeKelvin = 313;
inline constexpr std::uint16_t kWarningKelvin = 343;   // WCTEMP, and the default threshold
inline constexpr std::uint16_t kCriticalKelvin = 353;  // CCTEMP

struct FeatureValues {
  std::uint32_t arbitration = 0x07;  // no burst limit
  std::uint32_t power_management = 0;
  std::uint16_t over_temperature_kelvin = kWarningKelvin;
  std::uint16_t under_temperature_kelvin = 0;
  std::uint32_t error_recovery = 0;
  std::uint16_t io_queues = 0;  // granted by Set Features 07h; 0 before
  bool disable_normal_atomicity = false;
  std::uint32_t async_event_configuration = 0;
  wire::HostBehaviorSupport host_behavior{};

  // The temperature is at or beyond a threshold that the host has set.
  bool temperature_warning() const {
    return kCompositeKelvin >= over_temperature_kelvin || kCompositeKelvin <= under_temperature_kelvin;
  }
};

}  // namespace weft::target
