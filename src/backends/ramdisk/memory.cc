#include "backends/ramdisk/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace weft::backends {

namespace {

std::uint64_t round_up(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

std::uint64_t mapped_bytes(std::uint64_t bytes) {
  return round_up(bytes) + round_up(round_up(bytes) / kPageBytes * sizeof(std::uint16_t));
}

// Calls visit(offset, bytes) for each part of the range that lies within one piece of `piece_bytes`.
template <class Visit>
void for_each_part(std::uint64_t offset, std::uint64_t bytes, std::uint64_t piece_bytes, Visit visit) {
  while (bytes > 0) {
    const std::uint64_t part = std::min(bytes, piece_bytes - offset % piece_bytes);
    visit(offset, part);
    offset += part;
    bytes -= part;
  }
}

template <class Visit>
void for_each_stripe(std::uint64_t offset, std::uint64_t bytes, Visit visit) {
  for_each_part(offset, bytes, StripeLocks::kStripeBytes, visit);
}

// visit(page, offset in it, bytes)
template <class Visit>
void for_each_page(std::uint64_t offset, std::uint64_t bytes, Visit visit) {
  for_each_part(offset, bytes, kPageBytes,
                [&](std::uint64_t at, std::uint64_t part) { visit(at / kPageBytes, at % kPageBytes, part); });
}

}  // namespace

Result<std::unique_ptr<RamMemory>> RamMemory::map(std::uint64_t bytes, bool huge_pages) {
  void* base = ::mmap(nullptr, mapped_bytes(bytes), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return fail_errno(errno, "no address space");
  // A huge page for one written block takes 512 times what the tenant uses, so somebody has to ask for them.
  // The contents are no part of a core dump.  A kernel that knows neither does no harm.
  ::madvise(base, mapped_bytes(bytes), huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  ::madvise(base, mapped_bytes(bytes), MADV_DONTDUMP);
  return std::unique_ptr<RamMemory>(new RamMemory(static_cast<std::byte*>(base), bytes));
}

RamMemory::RamMemory(std::byte* base, std::uint64_t bytes)
    : base_(base),
      bytes_(bytes),
      states_(reinterpret_cast<PageState*>(base + round_up(bytes))),
      locks_(bytes) {}

RamMemory::~RamMemory() {
  WEFT_CHECK(replacements_.empty(), "what is lent comes back before the memory ends");
  ::munmap(base_, mapped_bytes(bytes_));
}

void RamMemory::read(std::uint64_t offset, std::byte* to, std::size_t bytes) {
  for_each_stripe(offset, bytes, [&](std::uint64_t at, std::uint64_t part) {
    const StripeLocks::Shared lock(locks_.of(at));
    if (replaced_.load(std::memory_order_relaxed) == 0) {
      std::memcpy(to, base_ + at, part);
      to += part;
      return;
    }
    for_each_page(at, part, [&](std::uint64_t page, std::uint64_t in_page, std::uint64_t piece) {
      std::memcpy(to, readable(page) + in_page, piece);
      to += piece;
    });
  });
}

void RamMemory::write(std::uint64_t offset, const std::byte* from, std::size_t bytes) {
  for_each_stripe(offset, bytes, [&](std::uint64_t at, std::uint64_t part) {
    const StripeLocks::Exclusive lock(locks_.of(at));
    if (!is_lent(at, part)) {
      std::memcpy(base_ + at, from, part);
      from += part;
      return;
    }
    for_each_page(at, part, [&](std::uint64_t page, std::uint64_t in_page, std::uint64_t piece) {
      std::memcpy(writable(page) + in_page, from, piece);
      from += piece;
      bring_home(page);  // the last loan may have come back before the page was replaced
    });
  });
}

void RamMemory::zero(std::uint64_t offset, std::uint64_t bytes) {
  for_each_stripe(offset, bytes, [&](std::uint64_t at, std::uint64_t part) {
    const StripeLocks::Exclusive lock(locks_.of(at));
    if (is_lent(at, part)) {
      for_each_page(at, part, [&](std::uint64_t page, std::uint64_t in_page, std::uint64_t piece) {
        std::memset(writable(page) + in_page, 0, piece);
        bring_home(page);
      });
      return;
    }
    const std::uint64_t first_page = std::min(round_up(at), at + part);
    const std::uint64_t last_page = std::max(first_page, (at + part) / kPageBytes * kPageBytes);
    std::memset(base_ + at, 0, first_page - at);
    if (last_page > first_page && ::madvise(base_ + first_page, last_page - first_page, MADV_DONTNEED) != 0)
      std::memset(base_ + first_page, 0, last_page - first_page);  // locked memory cannot be given back
    std::memset(base_ + last_page, 0, at + part - last_page);
  });
}

const std::byte* RamMemory::lend(std::uint64_t offset, std::size_t bytes) {
  std::uint64_t tried = offset;  // how far
  bool all = true;
  for_each_stripe(offset, bytes, [&](std::uint64_t at, std::uint64_t part) {
    if (!all) return;
    const StripeLocks::Shared lock(locks_.of(at));
    for_each_page(at, part, [&](std::uint64_t page, std::uint64_t, std::uint64_t) {
      all &= state(page).fetch_add(1, std::memory_order_relaxed) < kMostLoans;
    });
    tried = at + part;
  });
  if (all) return base_ + offset;
  take_back(base_ + offset, tried - offset);
  return nullptr;
}

void RamMemory::take_back(const std::byte* lent, std::size_t bytes) {
  for_each_page(static_cast<std::uint64_t>(lent - base_), bytes,
                [&](std::uint64_t page, std::uint64_t, std::uint64_t) { end_loan(page); });
}

void RamMemory::end_loan(std::uint64_t page) {
  const PageState before = state(page).fetch_sub(1, std::memory_order_acq_rel);
  if ((before & kReplaced) == 0 || (before & kLoans) != 1) return;
  const StripeLocks::Exclusive lock(locks_.of(page * kPageBytes));
  bring_home(page);
}

// Those from here on with the stripe's lock held, for writing where they write.

bool RamMemory::is_lent(std::uint64_t offset, std::uint64_t bytes) const {
  bool lent = false;
  for_each_page(offset, bytes, [&](std::uint64_t page, std::uint64_t, std::uint64_t) {
    lent |= state(page).load(std::memory_order_acquire) != 0;
  });
  return lent;
}

std::byte* RamMemory::replacement(std::uint64_t page) {
  const std::scoped_lock lock(replacements_mutex_);
  return replacements_.at(page).get();
}

std::byte* RamMemory::readable(std::uint64_t page) {
  return (state(page).load(std::memory_order_acquire) & kReplaced) != 0 ? replacement(page) : home(page);
}

std::byte* RamMemory::writable(std::uint64_t page) {
  const PageState now = state(page).load(std::memory_order_acquire);
  if ((now & kReplaced) != 0) return replacement(page);
  if ((now & kLoans) == 0) return home(page);
  PageMemory memory = page_memory(kPageBytes);
  WEFT_CHECK(memory != nullptr, "no memory for a page that is written while it is lent");
  std::memcpy(memory.get(), home(page), kPageBytes);
  std::byte* const place = memory.get();
  {
    const std::scoped_lock lock(replacements_mutex_);
    replacements_.emplace(page, std::move(memory));
  }
  replaced_.fetch_add(1, std::memory_order_relaxed);
  state(page).fetch_or(kReplaced, std::memory_order_acq_rel);
  return place;
}

// If it has a replacement and nobody has it on loan.  Who tries to lend it
// meanwhile sees that it is replaced.
void RamMemory::bring_home(std::uint64_t page) {
  const PageState now = state(page).load(std::memory_order_acquire);
  if ((now & kReplaced) == 0 || (now & kLoans) != 0) return;
  std::memcpy(home(page), replacement(page), kPageBytes);
  {
    const std::scoped_lock lock(replacements_mutex_);
    replacements_.erase(page);
  }
  replaced_.fetch_sub(1, std::memory_order_relaxed);
  state(page).fetch_and(static_cast<PageState>(~kReplaced), std::memory_order_acq_rel);
}

std::uint64_t RamMemory::resident_bytes() const {
  constexpr std::uint64_t kPagesAtATime = 64 * 1024;
  std::vector<unsigned char> pages(kPagesAtATime);
  std::uint64_t resident = replaced_.load(std::memory_order_relaxed) * kPageBytes;
  for (std::uint64_t at = 0; at < bytes_; at += kPagesAtATime * kPageBytes) {
    const std::uint64_t part = std::min(round_up(bytes_) - at, kPagesAtATime * kPageBytes);
    if (::mincore(base_ + at, part, pages.data()) != 0) return resident;
    const auto end = pages.begin() + static_cast<std::ptrdiff_t>(part / kPageBytes);
    resident += kPageBytes * static_cast<std::uint64_t>(std::count_if(
                                 pages.begin(), end, [](unsigned char page) { return (page & 1) != 0; }));
  }
  return resident;
}

}  // namespace weft::backends
