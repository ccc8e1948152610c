// Which requests a test filter acts on.
#pragma once

#include <cstdint>
#include <limits>

#include "block/request.h"

namespace weft::block {

constexpr std::uint32_t op_bit(Op op) {
  return std::uint32_t{1} << static_cast<unsigned>(op);
}

// Requests of one of the ops that touch [first, end).  A flush has no range: its op is enough.
struct Match {
  static constexpr std::uint32_t kAnyOp = ~std::uint32_t{0};

  std::uint32_t ops = kAnyOp;  // op_bit()s
  std::uint64_t first = 0;
  std::uint64_t end = std::numeric_limits<std::uint64_t>::max();

  bool covers(const Request& request) const {
    if ((ops & op_bit(request.op)) == 0) return false;
    return request.op == Op::flush || (request.lba < end && first < request.end());
  }
};

}  // namespace weft::block
