// The loop's data buffers as a ring's own table of memory: the kernel looks up and holds their pages once,
// not for each transfer.  They count as locked memory of the user; what goes beyond his limit is transferred
// without.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <vector>

#include "base/buffer.h"
#include "reactor/ring.h"

namespace weft::reactor {

// On the ring's thread.
class FixedBuffers {
 public:
  static constexpr unsigned kMostEntries = 1024;  // maps of the pool: 2 GiB
  static constexpr int kNone = -1;

  explicit FixedBuffers(Ring& ring) : ring_(ring) {}

  // With the ring open.  A table that is refused stays empty.
  void open(std::uint64_t most_bytes);
  // The entry that holds the piece, made at its first use.
  int find(const BufferPool& pool, const iovec& piece);

 private:
  enum class State : std::uint8_t { unknown, entered, refused };
  bool enter(unsigned place, std::span<std::byte> map);

  Ring& ring_;
  std::vector<State> entries_;
};

}  // namespace weft::reactor
