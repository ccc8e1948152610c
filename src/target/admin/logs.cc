// What the log pages hold.
#include <algorithm>
#include <map>

#include "target/admin/features.h"
#include "target/admin/log_page.h"
#include "target/command_table.h"
#include "target/controller.h"
#include "target/port.h"
#include "target/queue.h"
#include "wire/nqn.h"
#include "wire/opcodes.h"

namespace weft::target {

namespace {

constexpr std::uint64_t kDataUnitBytes = 512'000;
constexpr std::uint8_t kSpareThresholdPercent = 10;
constexpr std::uint8_t kErrorInformationVersion = 1;

std::uint64_t data_units(std::uint64_t bytes) {
  return (bytes + kDataUnitBytes - 1) / kDataUnitBytes;
}

wire::ErrorInformation error_entry(const ErrorLog::Entry& entry, wire::TransportType trtype) {
  wire::ErrorInformation info{};
  info.error_count = entry.count;
  info.sqid = entry.sqid.value();
  info.cid = entry.cid.value();
  info.status = entry.status.encode();
  info.parameter_error_location = entry.location;
  info.lba = entry.lba;
  info.nsid = entry.nsid.value();
  info.trtype = static_cast<std::uint8_t>(trtype);
  info.opcode = entry.opcode;
  info.log_page_version = kErrorInformationVersion;
  return info;
}

}  // namespace

LogPage supported_log_pages(const LogRead& read) {
  wire::SupportedLogPages page{};
  for (const LogPageRow& row : read.rows) page.lid[static_cast<std::uint8_t>(row.id)] = wire::kLogSupported;
  return log_page(page);
}

LogPage error_information(const LogRead& read) {
  struct Page {
    wire::ErrorInformation entry[ErrorLog::kEntries];
  };
  Page page{};
  std::size_t place = 0;
  for (const ErrorLog::Entry& entry : read.request.queue.controller().error_log().entries())
    page.entry[place++] = error_entry(entry, read.request.queue.path().trtype);
  return log_page(page);
}

LogPage smart_log(const LogRead& read) {
  Controller& controller = read.request.queue.controller();
  const IoTotals totals = controller.totals();
  wire::SmartLog log{};
  if (controller.features().temperature_warning()) log.critical_warning = wire::smart_warning::kTemperature;
  log.composite_temperature = kCompositeKelvin;
  log.available_spare = 100;
  log.available_spare_threshold = kSpareThresholdPercent;
  log.data_units_read.low = data_units(totals.read_bytes);
  log.data_units_written.low = data_units(totals.written_bytes);
  log.host_read_commands.low = totals.reads;
  log.host_write_commands.low = totals.writes;
  log.power_cycles.low = 1;
  log.power_on_hours.low = controller.started_seconds_ago() / 3600;
  log.error_log_entries.low = controller.error_log().total();
  return log_page(log);
}

LogPage firmware_slots(const LogRead& read) {
  wire::FirmwareSlotLog log{};
  log.afi = 1;
  wire::write_padded(log.frs[0], read.request.queue.controller().settings().firmware);
  return log_page(log);
}

LogPage changed_namespaces(const LogRead& read) {
  wire::ChangedNamespaceList list{};
  std::size_t place = 0;
  for (const Nsid nsid : read.request.queue.controller().events().take_changed(false))
    list.nsid[place++] = nsid.value();
  return log_page(list);
}

// Of groups that have namespaces.
LogPage ana_log(const LogRead& read) {
  const Snapshot& snapshot = read.request.queue.view().snapshot();
  const AnaStates& states = snapshot.ana_of(read.request.queue.port().options().id);
  std::map<AnaGroupId, std::vector<wire::le32>> groups;
  for (const auto& info : snapshot.namespaces) groups[info->ana_group].emplace_back(info->nsid.value());
  LogBytes bytes;
  const auto add = [&bytes](std::span<const std::byte> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  wire::AnaLogHeader header{};
  header.change_count = snapshot.ana_changes;
  header.groups = static_cast<std::uint16_t>(groups.size());
  add(wire::bytes_of(header));
  for (const auto& [id, nsids] : groups) {
    const bool alone = (read.command.lsp & wire::kAnaGroupsOnly) != 0;
    wire::AnaGroupDescriptor group{};
    group.group_id = id.value();
    group.nsids = alone ? 0 : static_cast<std::uint32_t>(nsids.size());
    group.change_count = snapshot.ana_changes;
    group.state = static_cast<std::uint8_t>(states.of(id));
    add(wire::bytes_of(group));
    if (!alone) add(std::as_bytes(std::span(nsids)));
  }
  return bytes;
}

LogPage command_effects(const CommandTable& admin, const CommandTable* io) {
  wire::CommandEffectsLog log{};
  for (const CommandRow& row : admin.rows()) log.admin[row.opcode] = row.effects;
  log.admin[wire::kFabricsOpcode] = wire::command_effect::kSupported;
  if (io != nullptr) {
    for (const CommandRow& row : io->rows()) log.io[row.opcode] = row.effects;
    log.io[wire::kFabricsOpcode] = wire::command_effect::kSupported;
  }
  return log_page(log);
}

LogPage feature_effects(std::span<const FeatureRow> rows) {
  wire::FeatureEffectsLog log{};
  for (const FeatureRow& row : rows)
    log.fid[static_cast<std::uint8_t>(row.id)] =
        wire::feature_effect::kSupported | wire::feature_effect::kControllerScope;
  return log_page(log);
}

}  // namespace weft::target
