// What the tests of the fake host share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fabric/fabric.h"

namespace weft::fabric {

inline wire::Cqe cqe_for(const Reply& reply, wire::Status status = wire::status::kSuccess,
                         std::uint64_t result = 0) {
  return {.result = result, .cid = reply.sqe().cid, .status = status.encode()};
}

inline std::vector<std::byte> pattern(std::size_t bytes, std::uint8_t first = 1) {
  std::vector<std::byte> data(bytes);
  for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::byte>(first + i);
  return data;
}

}  // namespace weft::fabric
