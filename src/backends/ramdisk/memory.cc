#include "backends/ramdisk/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace weft::backends {

namespace {

std::uint64_t round_up(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

// Calls visit(offset, bytes) for each part of the range that lies within one stripe.
template <class Visit>
void for_each_stripe(std::uint64_t offset, std::uint64_t bytes, Visit visit) {
  while (bytes > 0) {
    const std::uint64_t part =
        std::min(bytes, StripeLocks::kStripeBytes - offset % StripeLocks::kStripeBytes);
    visit(offset, part);
    offset += part;
    bytes -= part;
  }
}

}  // namespace

Result<std::unique_ptr<RamMemory>> RamMemory::map(std::uint64_t bytes) {
  void* base = ::mmap(nullptr, round_up(bytes), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return fail_errno(errno, "no address space");
  // A huge page for one written block would take 512 times what the tenant uses.  The contents are no part of
  // a core dump.  A kernel that knows neither does no harm.
  ::madvise(base, round_up(bytes), MADV_NOHUGEPAGE);
  ::madvise(base, round_up(bytes), MADV_DONTDUMP);
  return std::unique_ptr<RamMemory>(new RamMemory(static_cast<std::byte*>(base), bytes));
}

RamMemory::~RamMemory() {
  ::munmap(base_, round_up(bytes_));
}

void RamMemory::read(std::uint64_t offset, std::byte* to, std::size_t bytes) {
  for_each_stripe(offset, bytes, [&](std::uint64_t at, std::uint64_t part) {
    const StripeLocks::Shared lock(locks_.of(at));
    std::memcpy(to, base_ + at, part);
    to += part;
  });
}

void RamMemory::write(std::uint64_t offset, const std::byte* from, std::size_t bytes) {
  for_each_stripe(offset, bytes, [&](std::uint64_t at, std::uint64_t part) {
    const StripeLocks::Exclusive lock(locks_.of(at));
    std::memcpy(base_ + at, from, part);
    from += part;
  });
}

void RamMemory::zero(std::uint64_t offset, std::uint64_t bytes) {
  for_each_stripe(offset, bytes, [&](std::uint64_t at, std::uint64_t part) {
    const StripeLocks::Exclusive lock(locks_.of(at));
    const std::uint64_t first_page = std::min(round_up(at), at + part);
    const std::uint64_t last_page = std::max(first_page, (at + part) / kPageBytes * kPageBytes);
    std::memset(base_ + at, 0, first_page - at);
    if (last_page > first_page && ::madvise(base_ + first_page, last_page - first_page, MADV_DONTNEED) != 0)
      std::memset(base_ + first_page, 0, last_page - first_page);  // locked memory cannot be given back
    std::memset(base_ + last_page, 0, at + part - last_page);
  });
}

std::uint64_t RamMemory::resident_bytes() const {
  constexpr std::uint64_t kPagesAtATime = 64 * 1024;
  std::vector<unsigned char> pages(kPagesAtATime);
  std::uint64_t resident = 0;
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
