// One command on its way from a host to the target and back, in the same process: whoever has it may use it.
#pragma once

#include <cstdint>

#include "base/intrusive.h"
#include "fabric/fabric.h"
#include "fabric/initiator.h"

namespace weft::loop {

// Of a slab of the host's loop.
struct LoopCommand : fabric::Command, ListHook<> {
  explicit LoopCommand(fabric::HostCommand& of) : host(of) {}

  // Its data stays where it is until the command is back; the target reads and fills it there.
  fabric::HostCommand& host;
  LoopCommand* next_in_inbox = nullptr;
  std::uint64_t bytes = 0;  // of its data
  std::uint64_t moved = 0;  // of them to the host

  // While the target has it, and until the end of the turn.
  fabric::Pull* pull = nullptr;
  fabric::DataOut* data_out = nullptr;
  wire::Cqe cqe{};
  bool lost = false;
};

}  // namespace weft::loop
