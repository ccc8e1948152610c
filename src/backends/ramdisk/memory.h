// The bytes of one RAM disk.  Any thread.
//
// What is read can be lent instead of copied.  A page that is written while it
// is lent gets a replacement, which is written instead and which others read;
// when the last loan of the page has come back, what it holds goes home.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "backends/ramdisk/stripe_locks.h"
#include "base/page_memory.h"
#include "base/result.h"

namespace weft::backends {

inline constexpr std::uint64_t kPageBytes = kPageMemoryBytes;

class RamMemory {
 public:
  // ENOMEM when the system gives no address space.  Huge pages are a wish: the
  // system may have none.
  static Result<std::unique_ptr<RamMemory>> map(std::uint64_t bytes, bool huge_pages = false);
  ~RamMemory();  // with nothing lent
  RamMemory(const RamMemory&) = delete;
  RamMemory& operator=(const RamMemory&) = delete;

  void read(std::uint64_t offset, std::byte* to, std::size_t bytes);
  void write(std::uint64_t offset, const std::byte* from, std::size_t bytes);
  void zero(std::uint64_t offset,
            std::uint64_t bytes);        // gives whole pages back to the system
  std::uint64_t resident_bytes() const;  // looks at each page: not for the data path

  // Memory that does not change until take_back().  Null: some of it was
  // written since an older loan.
  const std::byte* lend(std::uint64_t offset, std::size_t bytes);
  void take_back(const std::byte* lent, std::size_t bytes);

 private:
  // Of a page: how many loans, and whether it has a replacement.  Loans begin
  // and replacements come and go under the stripe's lock; loans end without.
  using PageState = std::uint16_t;
  static constexpr PageState kReplaced = 1 << 15;
  static constexpr PageState kLoans = kReplaced - 1;
  static constexpr PageState kMostLoans = kLoans / 2;  // others may be trying at once

  RamMemory(std::byte* base, std::uint64_t bytes);

  std::atomic_ref<PageState> state(std::uint64_t page) const { return std::atomic_ref(states_[page]); }
  std::byte* home(std::uint64_t page) const { return base_ + page * kPageBytes; }
  bool is_lent(std::uint64_t offset, std::uint64_t bytes) const;
  std::byte* replacement(std::uint64_t page);
  std::byte* readable(std::uint64_t page);
  std::byte* writable(std::uint64_t page);
  void end_loan(std::uint64_t page);
  void bring_home(std::uint64_t page);

  std::byte* const base_;
  const std::uint64_t bytes_;
  PageState* const states_;  // behind the bytes
  StripeLocks locks_;
  std::mutex replacements_mutex_;  // within a stripe's lock
  std::unordered_map<std::uint64_t, PageMemory> replacements_;
  std::atomic<std::uint64_t> replaced_{0};  // how many
};

}  // namespace weft::backends
