// What direct I/O asks of offsets and memory, and the logical block that follows from it.  All of it may
// block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "block/plugin.h"

namespace weft::backends {

struct DirectLimits {
  std::uint32_t offset_bytes = 0;  // offsets and lengths are multiples of it; 0: no direct I/O on this file
  std::uint32_t memory_bytes = 0;
};

// What the file system says by STATX_DIOALIGN; empty where kernel or file system do not tell.
std::optional<DirectLimits> direct_limits(int fd);

// By a look at the data: do reads of 512 bytes succeed on this descriptor, which is open for direct I/O?
bool reads_small_blocks(int fd);

// The block_size that was chosen, or the smallest allowed.  EINVAL when the chosen one is smaller than
// `least`, or when none of 512 and 4096 will do; `of` says whose limit that is.
Result<std::uint32_t> choose_block_bytes(const block::OpenOptions& options, std::uint32_t least,
                                         std::string_view of);

}  // namespace weft::backends
