// A block device below an FdBackend.
#pragma once

#include <sys/types.h>

#include "backends/fd/fd_target.h"

namespace weft::backends {

class DeviceTarget final : public FdTarget {
 public:
  using FdTarget::FdTarget;

  Result<std::uint64_t> size_bytes() const override;
  // Both leave zeroes.  A device that only discards, and says nothing about what is read then, gets zeroes
  // written.
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int zero(std::uint64_t offset, std::uint64_t length, bool may_unmap) override;
};

struct DeviceLimits {
  std::uint32_t block_bytes = 0;                // logical
  std::uint64_t discard_granularity_bytes = 0;  // 0: it cannot give back space so that zeroes are read
  std::uint32_t optimal_io_bytes = 0;
  bool rotational = false;
  bool read_only = false;
};

// Of an open device.  May block.
Result<DeviceLimits> device_limits(int fd, dev_t device, const std::string& path);

}  // namespace weft::backends
