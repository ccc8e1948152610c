// Header and data digests of NVMe/TCP: CRC32C (NVMe TCP Transport 1.1, section 3.3.1.1).
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace weft::tcp {

class Digest {
 public:
  void add(std::span<const std::byte> bytes);
  std::uint32_t value() const { return ~state_; }  // goes out little-endian

  static std::uint32_t of(std::span<const std::byte> bytes);
  static std::uint32_t of(std::span<const iovec> pieces);

 private:
  std::uint32_t state_ = 0xFFFFFFFF;
};

}  // namespace weft::tcp
