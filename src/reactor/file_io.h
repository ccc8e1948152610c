// File I/O through a reactor's ring, for backends.  Belongs to one loop.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "base/intrusive.h"
#include "base/loop.h"

namespace weft::reactor {

// One operation.  The owner embeds it and keeps it, its pieces and its memory until done ran.
class FileOp : public ListHook<> {
 public:
  using Done = void (*)(FileOp&) noexcept;
  enum class Kind : std::uint8_t { read, write, fdatasync, fallocate };

  Kind kind = Kind::read;
  bool dsync = false;  // write: RWF_DSYNC
  int fd = -1;
  int mode = 0;  // fallocate
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;  // fallocate; read and write take that of the pieces
  std::span<const iovec> pieces;   // read, write: at most kMaxPieces

  int error = 0;  // 0 or an errno.  Short transfers are resumed by the ring; the end of the file within a
                  // read is EIO, never zeroes; a write that makes no progress is ENOSPC.
  Done done = nullptr;  // on the loop, in a later turn

  static constexpr std::size_t kMaxPieces = 32;

  // For the ring only.
  iovec rest[kMaxPieces];
  std::uint32_t rest_count = 0;
};

class FileIo {
 public:
  virtual ~FileIo() = default;
  virtual void submit(FileOp& op) = 0;  // never calls done before it returns
};

// The FileIo of each Loop.
class FileIos {
 public:
  virtual ~FileIos() = default;
  virtual FileIo& of(Loop& loop) = 0;  // any thread
};

}  // namespace weft::reactor
