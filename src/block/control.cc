#include "block/control.h"

#include <fmt/format.h>

#include <cerrno>

namespace weft::block {

namespace {

std::unexpected<Error> refuse(const OpenOptions& options, std::string_view key, std::string_view rule) {
  return fail(EINVAL, fmt::format("{}: {}={}: {}", options.name, key, control_text(options, key), rule));
}

}  // namespace

std::string_view control_text(const OpenOptions& options, std::string_view key) {
  const auto found = options.control.find(key);
  return found == options.control.end() ? std::string_view{} : trim(found->second);
}

Result<bool> control_flag(const OpenOptions& options, std::string_view key) {
  if (!options.control.contains(key)) return false;
  const auto flag = parse_bool(control_text(options, key));
  if (!flag) return refuse(options, key, "give 0 or 1");
  return *flag;
}

Result<std::optional<std::uint64_t>> control_number(const OpenOptions& options, std::string_view key,
                                                    std::uint64_t min, std::uint64_t max) {
  if (!options.control.contains(key)) return std::nullopt;
  const auto number = parse_number(control_text(options, key), min, max);
  if (!number) return refuse(options, key, fmt::format("give a number from {} to {}", min, max));
  return *number;
}

Result<std::optional<std::uint64_t>> control_size(const OpenOptions& options, std::string_view key) {
  if (!options.control.contains(key)) return std::nullopt;
  const auto size = parse_size(control_text(options, key));
  if (!size || *size == 0) return refuse(options, key, "give a size above 0 in bytes, or as 512M, 10G, 1.5T");
  return *size;
}

Result<std::optional<std::uint32_t>> control_block_bytes(const OpenOptions& options) {
  if (!options.control.contains("block_size")) return std::nullopt;
  const auto bytes = parse_number(control_text(options, "block_size"), 0, 4096);
  if (!bytes || (*bytes != 512 && *bytes != 4096)) return refuse(options, "block_size", "give 512 or 4096");
  return static_cast<std::uint32_t>(*bytes);
}

Result<std::uint64_t> whole_blocks(const OpenOptions& options, std::uint64_t bytes,
                                   std::uint32_t block_bytes) {
  if (bytes == 0 || bytes % block_bytes != 0)
    return fail(EINVAL,
                fmt::format("{}: {} bytes are not a whole number of blocks of {} bytes; give a multiple",
                            options.name, bytes, block_bytes));
  return bytes / block_bytes;
}

}  // namespace weft::block
