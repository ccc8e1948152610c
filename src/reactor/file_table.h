// A ring's own table of descriptors.  An operation on an entry spares the kernel the look-up and the
// reference count of the descriptor.
//
// Kernels before 6.13 keep what has left the table until every operation that is in flight on any other entry
// has ended: the socket of a closed connection would live as long as a silent neighbour's receive, and a
// file's lock as long as another backend's hanging read.  There, and where the table is full, nothing is
// entered, and operations name the descriptor itself.
#pragma once

#include <liburing.h>

#include <vector>

#include "reactor/file_io.h"
#include "reactor/ring.h"

namespace weft::reactor {

// On the ring's thread.
class FileTable {
 public:
  static constexpr unsigned kMostEntries = 16384;

  explicit FileTable(Ring& ring) : ring_(ring) {}
  FileTable(const FileTable&) = delete;
  FileTable& operator=(const FileTable&) = delete;

  // With the ring open.  A table that is refused stays empty.
  void open(unsigned entries);
  int enter(int fd);  // kNoSlot when there is none to be had
  void leave(int slot);

 private:
  Ring& ring_;
  std::vector<int> free_;
};

// As many entries as the kernel and the limit of open files allow; 0 where entries are not given back at
// once.
unsigned file_table_entries();

// Turns a prepared operation on a descriptor into one on its entry.
inline void use_slot(io_uring_sqe& sqe, int slot) {
  if (slot == kNoSlot) return;
  sqe.fd = slot;
  sqe.flags |= IOSQE_FIXED_FILE;
}

}  // namespace weft::reactor
