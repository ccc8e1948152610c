// The entries of the Error Information log (NVMe Base 2.1, section 5.1.12.1.2) of one controller, newest
// first.  Any thread: errors are off the path of commands that succeed.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/ids.h"
#include "wire/command_error.h"
#include "wire/log_page.h"

namespace weft::target {

class ErrorLog {
 public:
  static constexpr std::size_t kEntries = 64;  // ELPE + 1

  struct Entry {
    std::uint64_t count = 0;
    Qid sqid;
    Cid cid;
    wire::Status status;
    std::uint16_t location = 0xFFFF;
    std::uint64_t lba = 0;
    Nsid nsid;
    std::uint8_t opcode = 0;
  };

  void add(Entry entry);               // gives it the next count
  std::vector<Entry> entries() const;  // newest first
  std::uint64_t total() const;

 private:
  mutable std::mutex mutex_;
  std::array<Entry, kEntries> ring_{};
  std::uint64_t total_ = 0;
};

}  // namespace weft::target
