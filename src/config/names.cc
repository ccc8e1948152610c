#include "config/names.h"

#include <fmt/format.h>

#include <cerrno>

#include "base/text.h"

namespace weft::config {

Result<> check_name(std::string_view name) {
  bool plain = !name.empty() && name.size() <= 200 && name != "." && name != "..";
  for (const char c : name) plain = plain && c > ' ' && c != '/' && c != 0x7F;
  if (plain) return {};
  return fail(EINVAL, fmt::format("the name \"{}\" must have 1 to 200 characters, no blank and no /", name));
}

Result<> check_adapter_name(std::string_view name) {
  const std::size_t low = name.rfind('_');
  const bool fits = low != std::string_view::npos && low > 0 && check_name(name).has_value() &&
                    parse_number(name.substr(low + 1), 0, 0xFFFFFFFF).has_value();
  if (fits) return {};
  return fail(EINVAL, "the name must be PLUGIN_N, like rd_mcp_1");
}

Result<Nsid> parse_nsid(std::string_view name) {
  const std::string_view digits = name.starts_with("ns_") ? name.substr(3) : name;
  const auto number = parse_number(digits, 1, 0xFFFFFFFE);
  // One spelling for each: no 01, no 0x1.
  if (number && fmt::to_string(*number) == digits) return Nsid(static_cast<std::uint32_t>(*number));
  return fail(EINVAL, fmt::format("\"{}\": a namespace is named N or ns_N, N from 1 to 4294967294", name));
}

Result<std::string> linked_device(std::string_view target) {
  constexpr std::string_view kRoot = "target/core/";
  const std::size_t at = target.rfind(kRoot);
  const bool whole = at != std::string_view::npos && (at == 0 || target[at - 1] == '/');
  std::string_view name = whole ? target.substr(at + kRoot.size()) : std::string_view();
  while (name.ends_with('/')) name.remove_suffix(1);
  const std::size_t slash = name.find('/');
  if (slash != std::string_view::npos && check_adapter_name(name.substr(0, slash)) &&
      check_name(name.substr(slash + 1)))
    return std::string(name);
  return fail(EINVAL, fmt::format("\"{}\" must end in target/core/PLUGIN_N/DEVICE", target));
}

Result<std::string> linked_name(std::string_view target, std::string_view folder) {
  std::string_view rest = target;
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t slash = rest.rfind('/');
  if (slash != std::string_view::npos) {
    const std::string_view before = rest.substr(0, slash);
    const std::string_view name = rest.substr(slash + 1);
    if ((before == folder || before.ends_with(fmt::format("/{}", folder))) && !name.empty())
      return std::string(name);
  }
  return fail(EINVAL, fmt::format("\"{}\" must end in {}/NAME", target, folder));
}

}  // namespace weft::config
