// The open file or device below an FdBackend, and what the two do differently.  Any thread; all of it may
// block.
#pragma once

#include <cstdint>
#include <string>

#include "backends/fd/unique_fd.h"
#include "base/result.h"

namespace weft::backends {

class FdTarget {
 public:
  FdTarget(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  FdTarget(const FdTarget&) = delete;
  FdTarget& operator=(const FdTarget&) = delete;
  virtual ~FdTarget() = default;  // closes

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

  virtual Result<std::uint64_t> size_bytes() const = 0;  // now
  // These: 0 or an errno.
  virtual int sync();  // fdatasync
  // Has the page cache write what it holds, and waits for what was under way before.
  virtual int write_back();
  // Offset and length are multiples of the logical block.
  virtual int discard(std::uint64_t offset, std::uint64_t length) = 0;
  virtual int zero(std::uint64_t offset, std::uint64_t length, bool may_unmap) = 0;

 private:
  const UniqueFd fd_;
  const std::string path_;
};

}  // namespace weft::backends
