#include "target/admin/features.h"

#include <algorithm>
#include <vector>

#include "target/controller.h"
#include "target/queue.h"

namespace weft::target {

using namespace wire::status;

namespace {

FeatureValue which_value(wire::FeatureSelect select) {
  // What is not saveable has its default for a saved value.
  return select == wire::FeatureSelect::current ? FeatureValue::current : FeatureValue::default_value;
}

wire::Parsed<const FeatureRow*> find(std::span<const FeatureRow> rows, std::uint8_t fid) {
  const auto row = std::ranges::find(rows, wire::FeatureId{fid}, &FeatureRow::id);
  if (row == rows.end()) return wire::refuse(kInvalidField, wire::admin_field::kFid);
  return &*row;
}

}  // namespace

void start_get_features(Request& request, std::span<const FeatureRow> rows, Step send) {
  const auto command = wire::parse_get_features(request.sqe());
  if (!command) {
    request.complete(command.error());
    return;
  }
  const auto row = find(rows, command->fid);
  if (!row) {
    request.complete(row.error());
    return;
  }
  if (command->select == wire::FeatureSelect::supported) {
    const wire::FeatureCapabilities capabilities{.changeable = (*row)->set != nullptr};
    request.complete_result(capabilities.encode());
    return;
  }
  const auto value = (*row)->value(request.queue.controller(), *command, which_value(command->select));
  if (!value) {
    request.complete(value.error());
  } else if ((*row)->get_data == nullptr) {
    request.complete_result(*value);
  } else if (request.pointer.length < (*row)->data_bytes) {
    request.complete(kDataSglLengthInvalid.with_dnr());
  } else {
    request.take_buffers((*row)->data_bytes, send);
  }
}

void send_feature_data(Request& request, std::span<const FeatureRow> rows) {
  const auto command = wire::parse_get_features(request.sqe());
  const FeatureRow& row = **find(rows, command->fid);
  Controller& controller = request.queue.controller();
  const FeatureValue which = which_value(command->select);
  std::vector<std::byte> data(row.data_bytes);
  row.get_data(controller, which, data);
  request.fill(data);
  request.complete_data(data.size(), row.value(controller, *command, which).value_or(0));
}

void start_set_features(Request& request, std::span<const FeatureRow> rows) {
  const auto command = wire::parse_set_features(request.sqe());
  if (!command) {
    request.complete(command.error());
    return;
  }
  const auto row = find(rows, command->fid);
  if (!row) {
    request.complete(row.error());
  } else if (command->save) {
    request.complete(wire::refuse(kFeatureNotSaveable, wire::admin_field::kSave, 7).error());
  } else if (command->nsid != Nsid() && command->nsid != kAllNamespaces) {
    request.complete(wire::refuse(kFeatureNotNamespaceSpecific, wire::admin_field::kNsid).error());
  } else if ((*row)->set == nullptr) {
    request.complete(wire::refuse(kFeatureNotChangeable, wire::admin_field::kFid).error());
  } else {
    (*row)->set(request, *command);
  }
}

}  // namespace weft::target
