// Lists of memory pieces: how much they hold, and a part of them.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weft {

inline std::uint64_t total_bytes(std::span<const iovec> pieces) {
  std::uint64_t sum = 0;
  for (const iovec& piece : pieces) sum += piece.iov_len;
  return sum;
}

// The pieces of the `bytes` from `skip` on, in `into`, whose memory is used again.
inline void slice_pieces(std::span<const iovec> pieces, std::size_t skip, std::size_t bytes,
                         std::vector<iovec>& into) {
  into.clear();
  for (const iovec& piece : pieces) {
    const std::size_t before = std::min(skip, piece.iov_len);
    skip -= before;
    const std::size_t part = std::min(bytes, piece.iov_len - before);
    if (part != 0) into.push_back({static_cast<std::byte*>(piece.iov_base) + before, part});
    bytes -= part;
    if (bytes == 0) break;
  }
}

}  // namespace weft
