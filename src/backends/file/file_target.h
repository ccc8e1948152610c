// A regular file below an FdBackend.
#pragma once

#include <atomic>

#include "backends/fd/fd_target.h"

namespace weft::backends {

class FileTarget final : public FdTarget {
 public:
  using FdTarget::FdTarget;

  Result<std::uint64_t> size_bytes() const override;
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int zero(std::uint64_t offset, std::uint64_t length, bool may_unmap) override;

  // Does the file system give back space?  Asks it to, behind the end of the file.  May block.
  bool can_discard();

 private:
  // EOPNOTSUPP without a call once the file system has said so.
  int try_allocate(std::atomic<bool>& supported, int mode, std::uint64_t offset, std::uint64_t length);

  std::atomic<bool> can_punch_{true};
  std::atomic<bool> can_zero_{true};
};

}  // namespace weft::backends
