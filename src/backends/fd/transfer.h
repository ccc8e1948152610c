// Reads and writes that block until all is done.  For lanes, never on a loop.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

namespace weft::backends {

// 0 or an errno.  Short transfers are resumed; the end of the file within a read is EIO, never zeroes; a
// write that makes no progress is ENOSPC.  `dsync`: durable when it returns (RWF_DSYNC).
int read_all(int fd, std::uint64_t offset, std::span<const iovec> pieces);
int write_all(int fd, std::uint64_t offset, std::span<const iovec> pieces, bool dsync);

// Zeroes, written from memory: where nothing better is supported.
int write_zeroes(int fd, std::uint64_t offset, std::uint64_t length);

// fallocate, again when interrupted: 0 or an errno.
int allocate(int fd, int mode, std::uint64_t offset, std::uint64_t length);

}  // namespace weft::backends
