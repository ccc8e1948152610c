// File I/O through a reactor's ring, for backends.  Belongs to one loop.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <utility>

#include "base/intrusive.h"
#include "base/loop.h"

namespace weft::reactor {

inline constexpr int kNoSlot = -1;

// One operation.  The owner embeds it and keeps it, its pieces and its memory until done ran.
class FileOp : public ListHook<> {
 public:
  using Done = void (*)(FileOp&) noexcept;
  enum class Kind : std::uint8_t { read, write, fdatasync, fallocate };

  Kind kind = Kind::read;
  bool dsync = false;   // write: RWF_DSYNC
  bool polled = false;  // read, write: see is_polled()
  int fd = -1;
  int slot = kNoSlot;  // of fd's FileEntry on this loop, if there is one
  int mode = 0;        // fallocate
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

  // For FileEntry.
  virtual int enter(int) { return kNoSlot; }
  virtual void leave(int) {}
};

// A descriptor that this loop will use often: while it is entered, operations that name its slot cost less.
// Of the loop; goes with nothing in flight, before the descriptor is closed.
class FileEntry {
 public:
  FileEntry(FileIo& files, int fd) : files_(files), slot_(files.enter(fd)) {}
  FileEntry(const FileEntry&) = delete;
  FileEntry& operator=(const FileEntry&) = delete;
  ~FileEntry() { leave(); }
  int slot() const { return slot_; }  // kNoSlot where there is no room
  void leave() {
    if (slot_ != kNoSlot) files_.leave(std::exchange(slot_, kNoSlot));
  }

 private:
  FileIo& files_;
  int slot_;
};

// Can operations on the descriptor be `polled`: does its device tell of the end of reads when it is asked,
// and its file system let it be asked?  That is sooner than by an interrupt; the loop asks and does not sleep
// meanwhile. Any thread; may block.
bool is_polled(int fd);

// The FileIo of each Loop.
class FileIos {
 public:
  virtual ~FileIos() = default;
  virtual FileIo& of(Loop& loop) = 0;  // any thread
};

}  // namespace weft::reactor
