#include "target/admin/log_page.h"

#include <algorithm>

#include "target/controller.h"
#include "target/queue.h"
#include "wire/identify.h"

namespace weft::target {

using namespace wire::status;

namespace {

// What of the command is wrong whatever the page holds.
wire::Parsed<void> check(Request& request, const wire::GetLogPage& command,
                         std::span<const LogPageRow> rows) {
  using namespace wire;
  if (std::ranges::find(rows, LogId{command.lid}, &LogPageRow::id) == rows.end())
    return refuse(kInvalidLogPage, admin_field::kLid);
  const bool of_controller = command.nsid == Nsid() || command.nsid == kAllNamespaces;
  if (LogId{command.lid} == LogId::smart && !of_controller)
    return refuse(kInvalidField, admin_field::kNsid);  // LPA: no page for each namespace
  if (command.offset_is_index) return refuse(kInvalidField, admin_field::kLogOffsetType, 7);
  const bool by_command_set = LogId{command.lid} == LogId::commands_supported_and_effects;
  if (by_command_set && CommandSet{command.csi} != CommandSet::nvm)
    return refuse(kInvalidField, admin_field::kLogCsi);
  if (command.length > request.queue.max_transfer_bytes()) return refuse(kInvalidField, admin_field::kNumd);
  if (request.pointer.length < command.length) return refuse(kDataSglLengthInvalid);
  return {};
}

}  // namespace

void start_log_page(Request& request, std::span<const LogPageRow> rows, Step send) {
  const auto command = wire::parse_get_log_page(request.sqe());
  if (!command) {
    request.complete(command.error());
    return;
  }
  if (const auto good = check(request, *command, rows); !good) {
    request.complete(good.error());
    return;
  }
  request.take_buffers(command->length, send);
}

void send_log_page(Request& request, std::span<const LogPageRow> rows) {
  const auto command = wire::parse_get_log_page(request.sqe());
  const auto row = std::ranges::find(rows, wire::LogId{command->lid}, &LogPageRow::id);
  const LogPage page = row->build({.request = request, .command = *command, .rows = rows});
  if (command->offset > page.size) {
    request.complete(wire::refuse(kInvalidField, wire::admin_field::kLogOffset).error());
    return;
  }
  Controller& controller = request.queue.controller();
  if (!command->rae) {
    controller.events().log_read(row->id);
    if (row->id == wire::LogId::changed_namespace_list) controller.events().take_changed(true);
  }
  const std::size_t wanted = command->length;
  const auto part = std::span(page.bytes).subspan(command->offset - page.first);
  request.fill(part.first(std::min(part.size(), wanted)));
  request.complete_data(wanted);
}

}  // namespace weft::target
