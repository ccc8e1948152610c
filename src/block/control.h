// Values of control keys as plugins read them.  Each error names the backend, the key, the value and the
// rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "block/plugin.h"

namespace weft::block {

std::string_view control_text(const OpenOptions& options, std::string_view key);  // empty when not given
Result<bool> control_flag(const OpenOptions& options, std::string_view key);      // 0 when not given
Result<std::optional<std::uint64_t>> control_number(const OpenOptions& options, std::string_view key,
                                                    std::uint64_t min, std::uint64_t max);
Result<std::optional<std::uint64_t>> control_size(const OpenOptions& options,
                                                  std::string_view key);  // bytes, not 0
Result<std::optional<std::uint32_t>> control_block_bytes(
    const OpenOptions& options);  // key block_size: 512, 4096

// A size in bytes as blocks; EINVAL when it is not a whole number of them.
Result<std::uint64_t> whole_blocks(const OpenOptions& options, std::uint64_t bytes,
                                   std::uint32_t block_bytes);

}  // namespace weft::block
