#include <cstring>

#include "base/reached.h"
#include "target/io/handlers.h"
#include "target/io/range.h"
#include "target/queue.h"
#include "wire/io_command.h"

namespace weft::target::io {

using namespace wire::status;

namespace {

// Compare needs memory twice: the host's data and the backend's.  It takes both at once, each in whole
// pieces: the first half of the pieces is the host's.
std::size_t half_footprint(std::size_t bytes) {
  const std::size_t piece = bytes <= kSmallBufferBytes ? kSmallBufferBytes : kLargeBufferBytes;
  return (bytes + piece - 1) / piece * piece;
}

std::span<iovec> half(Request& request, unsigned which) {
  const auto pieces = request.buffers.pieces();
  return pieces.subspan(which * pieces.size() / 2, pieces.size() / 2);
}

void trim(std::span<iovec> pieces, std::size_t bytes) {
  for (iovec& piece : pieces) {
    piece.iov_len = std::min(piece.iov_len, bytes);
    bytes -= piece.iov_len;
  }
}

void compare_halves(Request& request) {
  const auto ours = half(request, 1);
  const auto theirs = half(request, 0);
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (std::memcmp(ours[i].iov_base, theirs[i].iov_base, ours[i].iov_len) != 0) {
      WEFT_REACHED("target.compare_differs");
      return request.complete(kCompareFailure.with_dnr());
    }
  request.complete();
}

void read_other(Request& request) {
  request.io.op = block::Op::read;
  request.io.data = half(request, 1);
  request.run_io(&compare_halves, true);
}

void pull_host_data(Request& request) {
  trim(half(request, 0), request.pointer.length);
  trim(half(request, 1), request.pointer.length);
  request.pull_into(half(request, 0), &read_other);
}

}  // namespace

void compare(Request& request) {
  const auto command = wire::parse_compare(request.sqe());
  if (!command) return request.complete(command.error());
  const auto bytes = data_bytes(request, command->range);
  if (!bytes) return request.complete(bytes.error());
  request.io.lba = command->range.slba;
  request.io.blocks = command->range.blocks;
  request.take_buffers(2 * half_footprint(*bytes), &pull_host_data);
}

}  // namespace weft::target::io
