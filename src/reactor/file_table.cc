#include "reactor/file_table.h"

#include <sys/resource.h>

#include <algorithm>

#include "reactor/kernel.h"

namespace weft::reactor {

unsigned file_table_entries() {
  const auto kernel = running_kernel();
  if (!kernel || *kernel < kGivesEntriesBackAtOnce) return 0;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  return static_cast<unsigned>(std::min<rlim_t>(files.rlim_cur, FileTable::kMostEntries));
}

void FileTable::open(unsigned entries) {
  if (entries == 0 || io_uring_register_files_sparse(&ring_.raw(), entries) != 0) return;
  free_.reserve(entries);
  for (unsigned slot = entries; slot > 0; --slot) free_.push_back(static_cast<int>(slot - 1));
}

int FileTable::enter(int fd) {
  if (fd < 0 || free_.empty()) return kNoSlot;  // to the kernel a negative one means to clear the entry
  const int slot = free_.back();
  if (io_uring_register_files_update(&ring_.raw(), static_cast<unsigned>(slot), &fd, 1) != 1) return kNoSlot;
  free_.pop_back();
  return slot;
}

void FileTable::leave(int slot) {
  if (slot == kNoSlot || !ring_.is_open()) return;  // a ring that is gone has let go of all
  int none = -1;
  if (io_uring_register_files_update(&ring_.raw(), static_cast<unsigned>(slot), &none, 1) == 1)
    free_.push_back(slot);
}

}  // namespace weft::reactor
