#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "config/attributes.h"
#include "config/document_json.h"

namespace weft::config {

namespace {

using nlohmann::json;

template <class Entry>
void add_rows(json& object, const Entry& entry, std::span<const AttributeRow<Entry>> rows) {
  static const Entry kDefaults;
  for (const auto& row : rows)
    if (std::string shown = row.show(entry); shown != row.show(kDefaults))
      object[std::string(row.name)] = std::move(shown);
}

json ports_json(const std::map<PortName, PortEntry>& ports) {
  json all = json::object();
  for (const auto& [name, port] : ports) all[name.text()] = to_json(port);
  return all;
}

json subsystem_json(const SubsystemEntry& subsystem) {
  json object = to_json(subsystem.attributes);
  json& hosts = object["hosts"] = json::object();
  for (const auto& host : subsystem.hosts) hosts[host] = json::object();
  json& namespaces = object["namespaces"] = json::object();
  for (const auto& [nsid, entry] : subsystem.namespaces)
    namespaces[entry.directory.empty() ? fmt::to_string(nsid.value()) : entry.directory] = to_json(entry);
  object["ports"] = ports_json(subsystem.ports);
  return object;
}

}  // namespace

json to_json(const DeviceEntry& entry) {
  json object = {{"control", json::object()}, {"enable", entry.enable ? 1 : 0}};
  for (const auto& [key, value] : entry.control) object["control"][key] = value;
  if (!entry.notes.alias.empty()) object["alias"] = entry.notes.alias;
  if (!entry.notes.udev_path.empty()) object["udev_path"] = entry.notes.udev_path;
  if (entry.unit_serial) object["wwn"]["vpd_unit_serial"] = uuid_text(*entry.unit_serial);
  return object;
}

json to_json(const NamespaceEntry& entry) {
  json object = json::object();
  if (!entry.device.empty()) object["device"] = "target/core/" + entry.device;
  if (!entry.link_name.empty()) object["link_name"] = entry.link_name;
  if (!entry.link_target.empty()) object["link_target"] = entry.link_target;
  add_rows(object, entry, namespace_attributes());
  return object;
}

json to_json(const PortEntry& entry) {
  json object = {{"enable", entry.enable ? 1 : 0}};
  add_rows(object, entry, port_attributes());
  if (entry.ana_groups == PortEntry().ana_groups) return object;
  for (const auto& [id, state] : entry.ana_groups)
    object["ana_groups"][fmt::to_string(id.value())] = {{"ana_state", std::string(wire::name(state))}};
  return object;
}

json to_json(const ReferralEntry& entry) {
  json object = {{"enable", entry.enable ? 1 : 0}};
  add_rows(object, entry, referral_attributes());
  return object;
}

json to_json(const std::map<std::string, std::string>& attributes) {
  json object = json::object();
  for (const auto& [name, value] : attributes) object[name] = value;
  return object;
}

std::string write_document(const Document& document) {
  json core = json::object();
  for (const auto& adapter : document.empty_adapters) core[adapter] = json::object();
  for (const auto& [name, device] : document.devices) {
    const auto [adapter, own] = split_device(name);
    core[adapter][own] = to_json(device);
  }
  json referrals = json::object();
  for (const auto& [name, referral] : document.referrals) referrals[name] = to_json(referral);
  json subsystems = json::object();
  for (const auto& [nqn, subsystem] : document.subsystems) subsystems[nqn] = subsystem_json(subsystem);
  json root = {{"version", 1}};
  root["target"]["core"] = std::move(core);
  root["nvmet"]["discovery"] = {{"ports", ports_json(document.discovery_ports)},
                                {"referrals", std::move(referrals)}};
  root["nvmet"]["subsystems"] = std::move(subsystems);
  // Paths of files need not be UTF-8, which JSON asks for.
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace weft::config
