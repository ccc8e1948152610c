#include "backends/blockdev/device_target.h"

#include <fmt/format.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "backends/fd/transfer.h"

namespace weft::backends {

namespace {

// Zeroes, by unmapping where the device then reads as zeroes; and zeroes that keep their space.
constexpr int kUnmap = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
constexpr int kZero = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;

// A number of the device's queue in sysfs, a partition's that of its disk; 0 when there is none.
std::uint64_t queue_value(dev_t device, const char* name) {
  for (const char* up : {"", "../"}) {
    std::ifstream file(
        fmt::format("/sys/dev/block/{}:{}/{}queue/{}", major(device), minor(device), up, name));
    std::uint64_t value = 0;
    if (file >> value) return value;
  }
  return 0;
}

}  // namespace

Result<std::uint64_t> DeviceTarget::size_bytes() const {
  std::uint64_t bytes = 0;
  if (::ioctl(fd(), BLKGETSIZE64, &bytes) != 0) return fail_errno(errno, path());
  return bytes;
}

int DeviceTarget::discard(std::uint64_t offset, std::uint64_t length) {
  return zero(offset, length, true);
}

int DeviceTarget::zero(std::uint64_t offset, std::uint64_t length, bool may_unmap) {
  int error = EOPNOTSUPP;
  if (may_unmap) error = allocate(fd(), kUnmap, offset, length);
  // The kernel writes zeroes itself where the device has no command for them.
  if (error == EOPNOTSUPP) error = allocate(fd(), kZero, offset, length);
  if (error == EOPNOTSUPP) error = write_zeroes(fd(), offset, length);
  return error;
}

Result<DeviceLimits> device_limits(int fd, dev_t device, const std::string& path) {
  DeviceLimits limits;
  int block_bytes = 0;
  if (::ioctl(fd, BLKSSZGET, &block_bytes) != 0) return fail_errno(errno, path);
  limits.block_bytes = static_cast<std::uint32_t>(block_bytes);
  int read_only = 0;
  if (::ioctl(fd, BLKROGET, &read_only) != 0) return fail_errno(errno, path);
  limits.read_only = read_only != 0;
  unsigned optimal = 0;
  if (::ioctl(fd, BLKIOOPT, &optimal) == 0) limits.optimal_io_bytes = optimal;
  unsigned short rotational = 0;
  if (::ioctl(fd, BLKROTATIONAL, &rotational) == 0) limits.rotational = rotational != 0;
  if (queue_value(device, "write_zeroes_max_bytes") != 0)
    limits.discard_granularity_bytes =
        std::max<std::uint64_t>(queue_value(device, "discard_granularity"), limits.block_bytes);
  return limits;
}

}  // namespace weft::backends
