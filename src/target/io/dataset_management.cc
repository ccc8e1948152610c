#include "base/reached.h"
#include "target/io/handlers.h"
#include "target/io/range.h"
#include "target/queue.h"
#include "wire/io_command.h"

namespace weft::target::io {

using namespace wire::status;

namespace {

wire::DsmRange range_at(const Request& request, std::size_t index) {
  // The ranges are at most 4 KiB, so they lie in one piece.
  return static_cast<const wire::DsmRange*>(request.buffers.pieces()[0].iov_base)[index];
}

// Discards range after range; scratch[0] is the next, scratch[1] their number.
void next_range(Request& request) {
  while (request.scratch[0] < request.scratch[1]) {
    const wire::DsmRange range = range_at(request, request.scratch[0]++);
    if (range.blocks == 0) continue;
    request.io.op = block::Op::discard;
    request.io.lba = range.slba;
    request.io.blocks = range.blocks;
    return request.run_io(&next_range);
  }
  request.complete();
}

void check_ranges(Request& request) {
  const block::Geometry& geometry = request.ns->info().geometry;
  for (std::size_t i = 0; i < request.scratch[1]; ++i) {
    const wire::DsmRange range = range_at(request, i);
    if (range.slba > geometry.blocks || range.blocks > geometry.blocks - range.slba) {
      WEFT_REACHED("target.discard_beyond_last_block");
      return request.complete(kLbaOutOfRange.with_dnr());
    }
  }
  if (geometry.discard_granularity_blocks == 0)
    return request.complete();  // a hint that the backend has no use for
  next_range(request);
}

}  // namespace

void dataset_management(Request& request) {
  const auto command = wire::parse_dataset_management(request.sqe());
  if (!command) return request.complete(command.error());
  if (!command->deallocate) return request.complete();
  request.scratch[1] = command->ranges;
  request.receive_data(command->data_bytes(), &check_ranges);
}

}  // namespace weft::target::io
