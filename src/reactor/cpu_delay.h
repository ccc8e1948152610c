// How long a thread was ready to run and waited for a CPU, as the kernel's scheduler counts it.
#pragma once

#include <optional>

#include "base/loop.h"
#include "reactor/socket.h"

namespace weft::reactor {

// Belongs to the thread that opens it, which is the one that it tells of.
class CpuDelay {
 public:
  void open();
  std::optional<Duration> read();  // since the thread began; empty where the kernel does not tell

 private:
  Descriptor file_;
};

}  // namespace weft::reactor
