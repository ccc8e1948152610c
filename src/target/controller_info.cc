#include "target/controller_info.h"

namespace weft::target {

std::string_view name(ControllerState state) {
  switch (state) {
    case ControllerState::disabled:
      return "disabled";
    case ControllerState::ready:
      return "ready";
    case ControllerState::shutdown_occurring:
      return "shutdown-occurring";
    case ControllerState::shutdown_complete:
      return "shutdown-complete";
    case ControllerState::fatal:
      return "fatal";
    case ControllerState::ending:
      return "ending";
  }
  return "unknown";
}

}  // namespace weft::target
