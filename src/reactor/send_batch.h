// What one sendmsg takes: kept until it completes.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>

namespace weft::reactor {

struct SendBatch {
  static constexpr std::size_t kMostPieces = 1024;  // IOV_MAX of the kernel
  SendBatch() {}  // the pieces stay as they are: only the first few are used
  msghdr header{};
  iovec pieces[kMostPieces];
};

}  // namespace weft::reactor
