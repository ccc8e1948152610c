// Commands to the driver of a device that is served from here (IORING_OP_URING_CMD), by a reactor's ring.
// Belongs to one loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "reactor/completion.h"

namespace weft::reactor {

// One command.  The owner embeds it and keeps it until it completed, with what the driver answers: an errno
// below 0, or what the code says.
class DeviceCommand : public Completion {
 public:
  using Completion::Completion;

  int fd = -1;
  std::uint32_t code = 0;
  std::array<std::byte, 16> argument{};
};

class DeviceIo {
 public:
  virtual ~DeviceIo() = default;
  // May take for ever; never completes before it returns.  The thread that sends is always the loop's.
  virtual void command(DeviceCommand& command) = 0;
};

}  // namespace weft::reactor
