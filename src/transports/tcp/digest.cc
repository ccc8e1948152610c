#include "transports/tcp/digest.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace weft::tcp {

void Digest::add(std::span<const std::byte> bytes) {
  constexpr std::size_t kMost = std::size_t{1} << 30;  // the library takes an int
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kMost));
    // The library reads through a pointer that is not const.
    auto* start = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(part.data()));
    state_ = crc32_iscsi(start, static_cast<int>(part.size()), state_);
    bytes = bytes.subspan(part.size());
  }
}

std::uint32_t Digest::of(std::span<const std::byte> bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.value();
}

std::uint32_t Digest::of(std::span<const iovec> pieces) {
  Digest digest;
  for (const iovec& piece : pieces)
    digest.add({static_cast<const std::byte*>(piece.iov_base), piece.iov_len});
  return digest.value();
}

}  // namespace weft::tcp
