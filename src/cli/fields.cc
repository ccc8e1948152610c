#include "cli/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "cli/table.h"
#include "wire/features.h"
#include "wire/log_page.h"
#include "wire/nqn.h"

namespace weft::cli {

namespace {

template <std::size_t kBytes>
std::string hex(const std::array<std::uint8_t, kBytes>& bytes) {
  return hex_text(bytes.data(), bytes.size());
}

std::string value_text(const Fields& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const auto& each : value) text += (text.empty() ? "" : " ") + value_text(each);
  return text;
}

struct NamedLog {
  std::string_view name;
  wire::LogId lid;
  std::uint64_t bytes;
};
constexpr NamedLog kLogs[] = {
    {"error", wire::LogId::error_information, 16 * sizeof(wire::ErrorInformation)},
    {"smart", wire::LogId::smart, sizeof(wire::SmartLog)},
    {"firmware", wire::LogId::firmware_slot, sizeof(wire::FirmwareSlotLog)},
    {"changed", wire::LogId::changed_namespace_list, sizeof(wire::ChangedNamespaceList)},
    {"effects", wire::LogId::commands_supported_and_effects, sizeof(wire::CommandEffectsLog)},
    {"ana", wire::LogId::ana, 4096},
};
constexpr std::uint64_t kUnknownLogBytes = 512;

std::uint64_t low(const wire::le128& value) {
  return value.low;
}

Fields smart_fields(const wire::SmartLog& log) {
  return {{"critical_warning", log.critical_warning},
          {"composite_temperature", std::uint16_t{log.composite_temperature}},
          {"available_spare", log.available_spare},
          {"available_spare_threshold", log.available_spare_threshold},
          {"percentage_used", log.percentage_used},
          {"data_units_read", low(log.data_units_read)},
          {"data_units_written", low(log.data_units_written)},
          {"host_read_commands", low(log.host_read_commands)},
          {"host_write_commands", low(log.host_write_commands)},
          {"controller_busy_minutes", low(log.controller_busy_minutes)},
          {"power_cycles", low(log.power_cycles)},
          {"power_on_hours", low(log.power_on_hours)},
          {"unsafe_shutdowns", low(log.unsafe_shutdowns)},
          {"media_errors", low(log.media_errors)},
          {"error_log_entries", low(log.error_log_entries)}};
}

Fields error_rows(std::span<const std::byte> page) {
  Fields rows = Fields::array();
  for (; page.size() >= sizeof(wire::ErrorInformation); page = page.subspan(sizeof(wire::ErrorInformation))) {
    const auto one = *wire::load<wire::ErrorInformation>(page);
    if (one.error_count == 0) break;
    const auto status = wire::Status::decode(one.status);
    rows.push_back({{"error_count", std::uint64_t{one.error_count}},
                    {"sqid", std::uint16_t{one.sqid}},
                    {"cid", std::uint16_t{one.cid}},
                    {"status", wire::name(status)},
                    {"sct", status.sct},
                    {"sc", status.sc},
                    {"parameter_error_location", std::uint16_t{one.parameter_error_location}},
                    {"lba", std::uint64_t{one.lba}},
                    {"nsid", std::uint32_t{one.nsid}},
                    {"opcode", one.opcode}});
  }
  return rows;
}

Fields ana_rows(std::span<const std::byte> page) {
  Fields rows = Fields::array();
  const auto header = wire::load<wire::AnaLogHeader>(page);
  if (!header) return rows;
  page = page.subspan(sizeof *header);
  for (std::uint16_t i = 0; i < header->groups; ++i) {
    const auto group = wire::load<wire::AnaGroupDescriptor>(page);
    if (!group || group->nsids > (page.size() - sizeof *group) / sizeof(wire::le32)) break;
    page = page.subspan(sizeof *group);
    Fields nsids = Fields::array();
    for (std::uint32_t at = 0; at < group->nsids; ++at, page = page.subspan(sizeof(wire::le32)))
      nsids.push_back(std::uint32_t{*wire::load<wire::le32>(page)});
    rows.push_back({{"group", std::uint32_t{group->group_id}},
                    {"state", wire::name(static_cast<wire::AnaState>(group->state))},
                    {"change_count", std::uint64_t{group->change_count}},
                    {"namespaces", std::move(nsids)}});
  }
  return rows;
}

Fields effect_rows(const wire::CommandEffectsLog& log) {
  Fields rows = Fields::array();
  const auto add = [&](const char* set, const wire::le32(&effects)[256], auto name) {
    for (unsigned opcode = 0; opcode < 256; ++opcode)
      if ((effects[opcode] & wire::command_effect::kSupported) != 0)
        rows.push_back({{"set", set},
                        {"opcode", fmt::format("{:02x}h", opcode)},
                        {"name", name(static_cast<std::uint8_t>(opcode))},
                        {"effects", fmt::format("{:#x}", std::uint32_t{effects[opcode]})}});
  };
  add("admin", log.admin, [](std::uint8_t code) { return wire::name(static_cast<wire::AdminOpcode>(code)); });
  add("io", log.io, [](std::uint8_t code) { return wire::name(static_cast<wire::IoOpcode>(code)); });
  return rows;
}

Fields changed_rows(const wire::ChangedNamespaceList& log) {
  Fields rows = Fields::array();
  for (const wire::le32 nsid : log.nsid) {
    if (nsid == 0) break;
    rows.push_back({{"nsid", std::uint32_t{nsid}}});
  }
  return rows;
}

Fields firmware_fields(const wire::FirmwareSlotLog& log) {
  Fields fields{{"active_slot", log.afi & 7}, {"next_slot", log.afi >> 4 & 7}};
  for (unsigned slot = 0; slot < 7; ++slot)
    if (const auto revision = wire::read_padded(log.frs[slot]); !revision.empty())
      fields[fmt::format("slot_{}", slot + 1)] = revision;
  return fields;
}

std::string dump(std::span<const std::byte> page) {
  constexpr std::size_t kRow = 16;
  std::string text;
  for (std::size_t at = 0; at < page.size(); at += kRow) {
    const auto row = page.subspan(at, std::min(kRow, page.size() - at));
    text += fmt::format("{:08x}  {}\n", at,
                        hex_text(reinterpret_cast<const std::uint8_t*>(row.data()), row.size()));
  }
  return text;
}

// Objects with the same members as a table, with the names above.
void print_rows(const Fields& rows) {
  std::vector<TableRow> table;
  for (const auto& row : rows) {
    if (table.empty()) {
      table.emplace_back();
      for (const auto& [name, value] : row.items()) table.back().push_back(name);
    }
    table.emplace_back();
    for (const auto& [name, value] : row.items()) table.back().push_back(value_text(value));
  }
  fmt::print("{}", table_text(table));
}

std::optional<Fields> log_fields(std::uint8_t lid, std::span<const std::byte> page) {
  switch (static_cast<wire::LogId>(lid)) {
    case wire::LogId::error_information:
      return error_rows(page);
    case wire::LogId::ana:
      return ana_rows(page);
    case wire::LogId::smart:
      if (const auto log = wire::load<wire::SmartLog>(page)) return smart_fields(*log);
      break;
    case wire::LogId::firmware_slot:
      if (const auto log = wire::load<wire::FirmwareSlotLog>(page)) return firmware_fields(*log);
      break;
    case wire::LogId::changed_namespace_list:
      if (const auto log = wire::load<wire::ChangedNamespaceList>(page)) return changed_rows(*log);
      break;
    case wire::LogId::commands_supported_and_effects:
      if (const auto log = wire::load<wire::CommandEffectsLog>(page)) return effect_rows(*log);
      break;
    default:
      break;
  }
  return std::nullopt;
}

}  // namespace

void print_fields(const Fields& fields, bool json) {
  if (json) return print_json(fields);
  std::vector<TableRow> rows;
  for (const auto& [name, value] : fields.items()) rows.push_back({name, value_text(value)});
  fmt::print("{}", table_text(rows));
}

Fields controller_fields(const host::Session& session, const std::vector<Nsid>& namespaces) {
  const auto& id = session.identity();
  const auto version = session.version();
  Fields fields{{"subnqn", wire::read_terminated(id.subnqn).value_or("")},
                {"cntlid", session.cntlid().value()},
                {"sn", wire::read_padded(id.sn)},
                {"mn", wire::read_padded(id.mn)},
                {"fr", wire::read_padded(id.fr)},
                {"version", fmt::format("{}.{}.{}", version.major, version.minor, version.tertiary)},
                {"cntrltype", id.cntrltype},
                {"max_transfer_bytes", session.max_transfer_bytes()},
                {"max_queue_entries", session.capabilities().max_queue_entries},
                {"maxcmd", std::uint16_t{id.maxcmd}},
                {"in_capsule_bytes", std::max<std::int64_t>(std::int64_t{id.ioccsz} * 16 - 64, 0)},
                {"cmic", id.cmic},
                {"anacap", id.anacap},
                {"anatt", id.anatt},
                {"kas_ms", id.kas * 100},
                {"oncs", std::uint16_t{id.oncs}},
                {"fuses", std::uint16_t{id.fuses}},
                {"vwc", id.vwc},
                {"sgls", std::uint32_t{id.sgls}},
                {"nn", std::uint32_t{id.nn}}};
  Fields all = Fields::array();
  for (const Nsid each : namespaces) all.push_back(each.value());
  fields["namespaces"] = std::move(all);
  return fields;
}

Fields namespace_fields(const host::NamespaceInfo& info) {
  Fields fields{{"nsid", info.nsid.value()},
                {"size_bytes", info.bytes()},
                {"blocks", info.blocks},
                {"block_bytes", info.block_bytes},
                {"metadata_bytes", info.metadata_bytes},
                {"anagrpid", info.ana_group},
                {"shared", info.shared},
                {"write_protected", info.write_protected}};
  if (info.uuid) fields["uuid"] = uuid_text(Uuid{*info.uuid});
  if (info.nguid) fields["nguid"] = hex(*info.nguid);
  if (info.eui64) fields["eui64"] = hex(*info.eui64);
  return fields;
}

Result<LogChoice> find_log(std::string_view name) {
  for (const NamedLog& row : kLogs)
    if (row.name == name) return LogChoice{static_cast<std::uint8_t>(row.lid), row.bytes};
  const auto lid = parse_number(name, 0, 0xFF);
  if (!lid)
    return fail(EINVAL, fmt::format("\"{}\": must be error, smart, firmware, changed, effects, ana, or an "
                                    "identifier from 0 to 0xff",
                                    name));
  for (const NamedLog& row : kLogs)
    if (static_cast<std::uint8_t>(row.lid) == *lid)
      return LogChoice{static_cast<std::uint8_t>(*lid), row.bytes};
  return LogChoice{static_cast<std::uint8_t>(*lid), kUnknownLogBytes};
}

void print_log(std::uint8_t lid, std::span<const std::byte> page, bool json) {
  const auto fields = log_fields(lid, page);
  if (json && fields) return print_json(*fields);
  if (json)
    return print_json({{"bytes", hex_text(reinterpret_cast<const std::uint8_t*>(page.data()), page.size())}});
  if (!fields) return fmt::print("{}", dump(page));
  if (fields->is_array()) return print_rows(*fields);
  print_fields(*fields, false);
}

Result<std::uint8_t> find_feature(std::string_view name) {
  if (const auto fid = parse_number(name, 1, 0xFF)) return static_cast<std::uint8_t>(*fid);
  const auto same = [](char a, char b) { return std::tolower(a) == std::tolower(b); };
  for (unsigned fid = 1; fid <= 0xFF; ++fid)
    if (std::ranges::equal(wire::name(static_cast<wire::FeatureId>(fid)), name, same) && name != "Unknown")
      return static_cast<std::uint8_t>(fid);
  return fail(EINVAL,
              fmt::format("\"{}\": must be an identifier from 1 to 0xff, or the specification's name of "
                          "a feature",
                          name));
}

std::size_t feature_bytes(std::uint8_t fid) {
  switch (static_cast<wire::FeatureId>(fid)) {
    case wire::FeatureId::timestamp:
      return sizeof(wire::TimestampData);
    case wire::FeatureId::host_behavior_support:
      return sizeof(wire::HostBehaviorSupport);
    case wire::FeatureId::host_identifier:
      return 16;
    default:
      return 0;
  }
}

Fields feature_fields(std::uint8_t fid, std::uint32_t value, std::span<const std::byte> data) {
  Fields fields{{"fid", fid}, {"name", wire::name(static_cast<wire::FeatureId>(fid))}, {"value", value}};
  if (!data.empty())
    fields["data"] = hex_text(reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
  return fields;
}

}  // namespace weft::cli
