// Handlers of admin commands that have no table of their own.
#pragma once

#include <cstdint>
#include <string_view>

#include "target/command_table.h"
#include "target/request.h"
#include "wire/log_page.h"
#include "wire/opcodes.h"

namespace weft::target {

void abort_command(Request& request);
void async_event_request(Request& request);
void keep_alive(Request& request);

// The row of an admin command: all of them need an enabled controller.
constexpr CommandRow admin_row(wire::AdminOpcode opcode, std::string_view name, Step handler) {
  return {static_cast<std::uint8_t>(opcode), name, Need::enabled, wire::command_effect::kSupported, handler};
}

}  // namespace weft::target
