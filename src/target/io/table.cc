// The commands of I/O queues.
#include "target/command_table.h"
#include "target/io/handlers.h"
#include "wire/log_page.h"
#include "wire/opcodes.h"

namespace weft::target {

namespace {

using wire::IoOpcode;
namespace effect = wire::command_effect;

constexpr Need kRead = Need::enabled | Need::namespace_live;
constexpr Need kWrite = kRead | Need::write_access;

constexpr CommandRow row(IoOpcode opcode, std::string_view name, Need needs, std::uint32_t effects,
                         Step handler) {
  return {static_cast<std::uint8_t>(opcode), name, needs, effects, handler};
}

constexpr CommandRow kRows[] = {
    row(IoOpcode::flush, "Flush", Need::enabled, effect::kSupported, &io::flush),
    row(IoOpcode::write, "Write", kWrite, effect::kSupported | effect::kBlockContent, &io::write),
    row(IoOpcode::read, "Read", kRead, effect::kSupported, &io::read),
    row(IoOpcode::compare, "Compare", kRead, effect::kSupported, &io::compare),
    row(IoOpcode::write_zeroes, "Write Zeroes", kWrite, effect::kSupported | effect::kBlockContent,
        &io::write_zeroes),
    row(IoOpcode::dataset_management, "Dataset Management", kWrite,
        effect::kSupported | effect::kBlockContent, &io::dataset_management),
};

constexpr CommandTable kTable{kRows};

}  // namespace

const CommandTable& io_commands() {
  return kTable;
}

}  // namespace weft::target
