#include "fabric/fabric.h"

namespace weft::fabric {

std::string_view name(CloseReason reason) {
  switch (reason) {
    case CloseReason::host_disconnect:
      return "the host disconnected";
    case CloseReason::controller_end:
      return "the controller ended";
    case CloseReason::removed:
      return "removed by the administrator";
    case CloseReason::shutdown:
      return "the target shuts down";
  }
  return "unknown";
}

}  // namespace weft::fabric
