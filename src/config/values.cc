#include "config/values.h"

#include <fmt/format.h>

#include <cerrno>

#include "target/ana.h"

namespace weft::config {

Result<> store_text(std::string& field, std::string_view text, std::size_t most) {
  bool printable = true;
  for (const char c : text) printable = printable && c >= ' ' && c <= '~';
  if (text.empty() || text.size() > most || !printable)
    return fail(EINVAL, fmt::format("\"{}\" must be 1 to {} printable ASCII characters", text, most));
  if (text.front() == ' ' || text.back() == ' ')
    return fail(EINVAL, fmt::format("\"{}\" must not begin or end with a blank: the field is padded with "
                                    "blanks",
                                    text));
  field = text;
  return {};
}

Result<bool> read_flag(std::string_view text) {
  if (const auto flag = parse_bool(text)) return *flag;
  return fail(EINVAL, fmt::format("\"{}\" must be 0 or 1", text));
}

Result<Uuid> read_uuid(std::string_view text) {
  if (const auto uuid = parse_uuid(text); uuid && !uuid->is_nil()) return *uuid;
  return fail(EINVAL, fmt::format("\"{}\" must be a UUID that is not zero, like "
                                  "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
                                  text));
}

Result<AnaGroupId> read_ana_group(std::string_view text) {
  const auto number = parse_number(text, 1, target::kMaxAnaGroups);
  if (!number) return fail(EINVAL, fmt::format("\"{}\" must be a number from 1 to 128", text));
  return AnaGroupId(static_cast<std::uint32_t>(*number));
}

Result<PortId> read_port_id(std::string_view text) {
  const auto number = parse_number(text, 1, 0xFFFF);
  if (number && fmt::to_string(*number) == text) return PortId(static_cast<std::uint16_t>(*number));
  return fail(EINVAL, fmt::format("\"{}\": a port is named by a number from 1 to 65535", text));
}

Result<AnaGroupId> read_ana_group_name(std::string_view text) {
  auto group = read_ana_group(text);
  if (group && fmt::to_string(group->value()) != text)
    return fail(EINVAL, fmt::format("\"{}\" must be written {}", text, group->value()));
  return group;
}

Result<wire::AnaState> read_ana_state(std::string_view text) {
  constexpr wire::AnaState kAll[] = {wire::AnaState::optimized, wire::AnaState::non_optimized,
                                     wire::AnaState::inaccessible, wire::AnaState::persistent_loss,
                                     wire::AnaState::change};
  for (const wire::AnaState state : kAll)
    if (name(state) == text) return state;
  return fail(EINVAL, fmt::format("\"{}\" must be optimized, non-optimized, inaccessible, persistent-loss "
                                  "or change",
                                  text));
}

}  // namespace weft::config
