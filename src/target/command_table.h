// Tables of commands: what each needs before its handler runs, checked in one place, and what the Commands
// Supported and Effects log says of it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "target/request.h"

namespace weft::target {

enum class Need : std::uint8_t {
  nothing = 0,
  connected = 8,       // Connect has succeeded on this queue; else Command Sequence Error
  enabled = 1,         // CC.EN and CSTS.RDY; else Command Sequence Error
  namespace_live = 2,  // the NSID names a namespace of the subsystem that is reached through this port;
                       // request.ns is entered
  write_access = 4,    // and it may be written; else Namespace is Write Protected
};
constexpr Need operator|(Need a, Need b) {
  return static_cast<Need>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool has(Need set, Need bit) {
  return (static_cast<std::uint8_t>(set) & static_cast<std::uint8_t>(bit)) != 0;
}

struct CommandRow {
  std::uint8_t opcode;    // or Fabrics command type
  std::string_view name;  // the specification's
  Need needs;
  std::uint32_t effects;  // wire::command_effect bits of log page 05h
  Step handler;
};

// The rows of one kind of queue, found by opcode in constant time.
class CommandTable {
 public:
  explicit constexpr CommandTable(std::span<const CommandRow> rows) : rows_(rows) {
    for (const CommandRow& row : rows) by_opcode_[row.opcode] = &row;
  }
  const CommandRow* find(std::uint8_t opcode) const { return by_opcode_[opcode]; }
  std::span<const CommandRow> rows() const { return rows_; }

 private:
  std::span<const CommandRow> rows_;
  std::array<const CommandRow*, 256> by_opcode_{};
};

// One table for each kind of queue; each is defined in its folder.
const CommandTable& fabrics_commands();          // fabrics/: by Fabrics command type
const CommandTable& admin_commands();            // admin/: of I/O controllers
const CommandTable& discovery_admin_commands();  // discovery/
const CommandTable& io_commands();               // io/

}  // namespace weft::target
