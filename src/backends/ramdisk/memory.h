// The bytes of one RAM disk.  Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "backends/ramdisk/stripe_locks.h"
#include "base/result.h"

namespace weft::backends {

inline constexpr std::uint64_t kPageBytes = 4096;

class RamMemory {
 public:
  // ENOMEM when the system gives no address space.
  static Result<std::unique_ptr<RamMemory>> map(std::uint64_t bytes);
  ~RamMemory();
  RamMemory(const RamMemory&) = delete;
  RamMemory& operator=(const RamMemory&) = delete;

  void read(std::uint64_t offset, std::byte* to, std::size_t bytes);
  void write(std::uint64_t offset, const std::byte* from, std::size_t bytes);
  void zero(std::uint64_t offset, std::uint64_t bytes);  // gives whole pages back to the system
  std::uint64_t resident_bytes() const;                  // looks at each page: not for the data path

 private:
  RamMemory(std::byte* base, std::uint64_t bytes) : base_(base), bytes_(bytes), locks_(bytes) {}

  std::byte* const base_;
  const std::uint64_t bytes_;
  StripeLocks locks_;
};

}  // namespace weft::backends
