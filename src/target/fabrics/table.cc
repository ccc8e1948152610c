// Fabrics commands, by their type.
#include "target/command_table.h"
#include "target/fabrics/handlers.h"
#include "wire/opcodes.h"

namespace weft::target {

namespace {

using wire::FabricsType;

constexpr CommandRow row(FabricsType type, std::string_view name, Need needs, Step handler) {
  return {static_cast<std::uint8_t>(type), name, needs, 0, handler};
}

constexpr CommandRow kRows[] = {
    row(FabricsType::property_set, "Property Set", Need::connected, &fabrics::property_set),
    row(FabricsType::connect, "Connect", Need::nothing, &fabrics::connect),
    row(FabricsType::property_get, "Property Get", Need::connected, &fabrics::property_get),
    row(FabricsType::disconnect, "Disconnect", Need::connected, &fabrics::disconnect),
};

constexpr CommandTable kTable{kRows};

}  // namespace

const CommandTable& fabrics_commands() {
  return kTable;
}

}  // namespace weft::target
