#include "target/admin/identify.h"

#include <algorithm>
#include <array>

namespace weft::target {

using namespace wire::status;

void start_identify(Request& request, std::span<const IdentifyRow> rows, Step send) {
  const auto command = wire::parse_identify(request.sqe());
  if (!command) {
    request.complete(command.error());
    return;
  }
  if (std::ranges::find(rows, wire::IdentifyCns{command->cns}, &IdentifyRow::cns) == rows.end()) {
    request.complete(wire::refuse(kInvalidField, wire::admin_field::kCns).error());
    return;
  }
  if (request.pointer.length < wire::kIdentifySize) {
    request.complete(kDataSglLengthInvalid.with_dnr());
    return;
  }
  request.take_buffers(wire::kIdentifySize, send);
}

void send_identify(Request& request, std::span<const IdentifyRow> rows) {
  const auto command = wire::parse_identify(request.sqe());
  const auto row = std::ranges::find(rows, wire::IdentifyCns{command->cns}, &IdentifyRow::cns);
  std::array<std::byte, wire::kIdentifySize> page{};
  const auto filled = row->fill(request, *command, page);
  if (!filled) {
    request.complete(filled.error());
    return;
  }
  request.fill(page);
  request.complete_data(page.size());
}

}  // namespace weft::target
