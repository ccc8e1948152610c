#include "backends/file/file_target.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include <cerrno>

#include "backends/fd/transfer.h"

namespace weft::backends {

namespace {

constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
constexpr int kZero = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;

}  // namespace

Result<std::uint64_t> FileTarget::size_bytes() const {
  struct stat status{};
  if (::fstat(fd(), &status) != 0) return fail_errno(errno, path());
  return static_cast<std::uint64_t>(status.st_size);
}

int FileTarget::try_allocate(std::atomic<bool>& supported, int mode, std::uint64_t offset,
                             std::uint64_t length) {
  if (!supported.load(std::memory_order_relaxed)) return EOPNOTSUPP;
  const int error = allocate(fd(), mode, offset, length);
  if (error == EOPNOTSUPP || error == ENOSYS) {
    supported.store(false, std::memory_order_relaxed);
    return EOPNOTSUPP;
  }
  return error;
}

bool FileTarget::can_discard() {
  constexpr std::uint64_t kProbeBytes = 4096;
  const auto size = size_bytes();
  if (!size) return false;
  const std::uint64_t behind = (*size + kProbeBytes - 1) / kProbeBytes * kProbeBytes;
  return try_allocate(can_punch_, kPunch, behind, kProbeBytes) == 0;
}

int FileTarget::discard(std::uint64_t offset, std::uint64_t length) {
  return zero(offset, length, true);
}

int FileTarget::zero(std::uint64_t offset, std::uint64_t length, bool may_unmap) {
  int error = EOPNOTSUPP;
  if (may_unmap) error = try_allocate(can_punch_, kPunch, offset, length);
  if (error == EOPNOTSUPP) error = try_allocate(can_zero_, kZero, offset, length);
  if (error == EOPNOTSUPP) error = write_zeroes(fd(), offset, length);
  return error;
}

}  // namespace weft::backends
