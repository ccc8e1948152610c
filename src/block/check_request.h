// What every backend refuses in the same way.
#pragma once

#include <cerrno>

#include "block/backend.h"
#include "block/request.h"

namespace weft::block {

// 0, or the errno that the request fails with: EROFS, EINVAL (no blocks, beyond the end), ENOSPC (a write
// beyond the end).
inline int check_request(const Geometry& geometry, const Request& request) {
  if (request.op == Op::flush) return 0;
  if (geometry.read_only && modifies(request.op)) return EROFS;
  if (request.blocks == 0) return EINVAL;
  if (request.lba > geometry.blocks || request.blocks > geometry.blocks - request.lba)
    return request.op == Op::write ? ENOSPC : EINVAL;
  return 0;
}

}  // namespace weft::block
