// PDUs whose frame and digests are right, whatever they say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transports/tcp/digest.h"
#include "wire/tcp_pdu.h"

namespace weft {

struct PduDigests {
  bool header = false;
  bool data = false;
};

template <class Pdu>
std::vector<std::byte> sealed_pdu(Pdu value, wire::tcp::PduType type, std::uint8_t flags, PduDigests digests,
                                  std::span<const std::byte> data) {
  value.ch = wire::tcp::make_header(type, flags, digests.header, digests.data, 0,
                                    static_cast<std::uint32_t>(data.size()));
  const auto header = wire::bytes_of(value);
  std::vector<std::byte> bytes(header.begin(), header.end());
  const auto add_digest = [&bytes](std::uint32_t digest) {
    const wire::le32 out = digest;
    const auto raw = wire::bytes_of(out);
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  };
  if (digests.header) add_digest(tcp::Digest::of(bytes));
  if (data.empty()) return bytes;
  bytes.resize(value.ch.pdo);
  bytes.insert(bytes.end(), data.begin(), data.end());
  if (digests.data) add_digest(tcp::Digest::of(data));
  return bytes;
}

}  // namespace weft
