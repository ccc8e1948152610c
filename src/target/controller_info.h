// What people see of a connected controller.  Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace weft::target {

struct HostIdentity {
  std::string nqn;
  std::array<std::uint8_t, 16> id{};
  bool operator==(const HostIdentity&) const = default;
};

// What CC.EN and CSTS say together; ending: its connections are being closed.
enum class ControllerState : std::uint8_t {
  disabled,
  ready,
  shutdown_occurring,
  shutdown_complete,
  fatal,
  ending,
};
std::string_view name(ControllerState state);

struct ControllerInfo {
  HostIdentity host;
  std::string host_traddr;  // the host's end of the admin queue's connection: 10.0.0.7:51234
  PortId port;
  std::uint32_t keep_alive_ms = 0;  // 0: off
  std::uint16_t io_queues = 0;
  ControllerState state = ControllerState::disabled;
};

}  // namespace weft::target
