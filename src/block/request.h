// One operation on a backend.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "base/intrusive.h"

namespace weft::block {

enum class Op : std::uint8_t {
  read,
  write,
  flush,         // everything that completed before it was submitted is durable when it completes; no range
  write_zeroes,  // reads return zeroes afterwards; may_unmap allows to give the space back
  discard,  // a hint: the contents may be anything old or zero, never another's; backends return zeroes where
            // they can
};

inline bool modifies(Op op) {
  return op == Op::write || op == Op::write_zeroes || op == Op::discard;
}

// The submitter owns the request, embeds it and keeps it and its data alive until done ran.
class Request : public ListHook<> {
 public:
  using Done = void (*)(Request&) noexcept;

  Op op = Op::read;
  bool fua = false;          // write, write_zeroes: durable when it completes
  bool may_unmap = false;    // write_zeroes
  std::uint64_t lba = 0;     // in logical blocks
  std::uint64_t blocks = 0;  // 1 or more, but 0 for flush
  std::span<const iovec>
      data;  // read, write: exactly blocks * block_bytes, page-aligned pieces that are multiples of the block

  // The answer: 0 or an errno.  A range beyond the end is ENOSPC for a write and EINVAL for everything else
  // when the submitter did not check; EIO where data could not be read or written; ENODEV after the backend
  // has gone.
  int error = 0;
  Done done =
      nullptr;  // runs on the channel's loop, in a later turn than submit or at least after submit returned

  std::uint64_t end() const { return lba + blocks; }
};

}  // namespace weft::block
