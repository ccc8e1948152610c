#include "target/io/range.h"

#include "base/reached.h"
#include "target/queue.h"
#include "target/view.h"

namespace weft::target::io {

using namespace wire::status;

wire::Parsed<void> check_range(const Request& request, const wire::LbaRange& range) {
  if (range.end() > request.ns->info().geometry.blocks) {
    WEFT_REACHED("target.beyond_last_block");
    return wire::refuse(kLbaOutOfRange, wire::io_field::kSlba);
  }
  return {};
}

wire::Parsed<std::size_t> data_bytes(const Request& request, const wire::LbaRange& range) {
  const std::size_t bytes = std::size_t{range.blocks} * request.ns->info().geometry.block_bytes;
  if (bytes > request.queue.max_transfer_bytes()) {
    WEFT_REACHED("target.range_too_long");
    return wire::refuse(kInvalidField, wire::io_field::kNlb);
  }
  if (const auto fits = check_range(request, range); !fits) return std::unexpected(fits.error());
  if (request.pointer.length != bytes) {
    WEFT_REACHED("target.data_not_of_range_size");
    return wire::refuse(kDataSglLengthInvalid, 32);
  }
  return bytes;
}

}  // namespace weft::target::io
