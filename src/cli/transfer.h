// Copying from one medium to another, several pieces at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "cli/medium.h"

namespace weft::cli {

struct TransferOptions {
  std::size_t piece_bytes = std::size_t{512} * 1024;
  unsigned pieces = 8;                  // at once
  std::optional<std::uint64_t> length;  // bytes; empty: until the source ends
};

// How many bytes were copied.  The first error ends it; `done` counts on for a progress line.
Result<std::uint64_t> transfer(Medium& from, Medium& to, const TransferOptions& options,
                               std::atomic<std::uint64_t>& done);

}  // namespace weft::cli
