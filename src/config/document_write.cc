#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "config/attributes.h"
#include "config/document.h"

namespace weft::config {

namespace {

using nlohmann::json;

json device_json(const DeviceEntry& device) {
  json object = {{"control", json::object()}, {"enable", device.enable ? 1 : 0}};
  for (const auto& [key, value] : device.control) object["control"][key] = value;
  if (device.unit_serial) object["wwn"]["vpd_unit_serial"] = uuid_text(*device.unit_serial);
  return object;
}

json ports_json(const std::map<PortName, PortEntry>& ports) {
  json all = json::object();
  for (const auto& [name, port] : ports) {
    json& object = all[name.text()];
    object["enable"] = port.enable ? 1 : 0;
    if (!port.advertise.empty()) object["addr_advertise"] = port.advertise;
    if (port.ana_groups == PortEntry().ana_groups) continue;
    for (const auto& [id, state] : port.ana_groups)
      object["ana_groups"][fmt::to_string(id.value())] = {{"ana_state", std::string(wire::name(state))}};
  }
  return all;
}

json namespace_json(const NamespaceEntry& entry) {
  json object = {{"device", "target/core/" + entry.device},
                 {"ana_grpid", entry.ana_group.value()},
                 {"readonly", entry.read_only ? 1 : 0}};
  if (entry.uuid) object["device_uuid"] = uuid_text(*entry.uuid);
  if (entry.nguid) object["device_nguid"] = uuid_text(Uuid{*entry.nguid});
  return object;
}

json subsystem_json(const SubsystemEntry& subsystem) {
  json object = {{"hosts", json::object()}, {"namespaces", json::object()}};
  for (const auto& [name, value] : subsystem.attributes) object[name] = value;
  for (const auto& host : subsystem.hosts) object["hosts"][host] = json::object();
  for (const auto& [nsid, entry] : subsystem.namespaces)
    object["namespaces"][fmt::to_string(nsid.value())] = namespace_json(entry);
  object["ports"] = ports_json(subsystem.ports);
  return object;
}

json referral_json(const ReferralEntry& referral) {
  json object = {{"enable", referral.enable ? 1 : 0}};
  for (const auto& row : referral_attributes()) object[std::string(row.name)] = row.show(referral);
  return object;
}

}  // namespace

std::string write_document(const Document& document) {
  json core = json::object();
  for (const auto& [name, device] : document.devices) {
    const std::size_t slash = name.find('/');
    core[name.substr(0, slash)][name.substr(slash + 1)] = device_json(device);
  }
  json referrals = json::object();
  for (const auto& [name, referral] : document.referrals) referrals[name] = referral_json(referral);
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
