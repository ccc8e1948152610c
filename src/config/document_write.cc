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

void add_ana_groups(json& object, const AnaGroups& groups) {
  if (groups == PortEntry().ana_groups) return;
  for (const auto& [id, state] : groups)
    object["ana_groups"][fmt::to_string(id.value())] = {{"ana_state", std::string(wire::name(state))}};
}

json kernel_json(const Document& document) {
  json hosts = json::object();
  for (const auto& nqn : document.kernel_hosts) hosts[nqn] = json::object();
  json ports = json::object();
  for (const auto& [id, port] : document.kernel_ports) {
    json& object = ports[fmt::to_string(id.value())] = to_json(port.entry);
    for (const auto& [nqn, link] : port.links) object["subsystems"][nqn] = to_json(link);
  }
  return {{"hosts", std::move(hosts)}, {"ports", std::move(ports)}};
}

json subsystem_json(const SubsystemEntry& subsystem) {
  json object = to_json(subsystem.attributes);
  json& hosts = object["hosts"] = json::object();
  for (const auto& [nqn, host] : subsystem.hosts) hosts[nqn] = to_json(host);
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
  if (entry.identity != DeviceIdentity())
    add_rows(object["wwn"], entry.identity, device_identity_attributes());
  return object;
}

json to_json(const NamespaceEntry& entry) {
  json object = json::object();
  if (!entry.device.empty()) object["device"] = "target/core/" + entry.device;
  if (!entry.link_name.empty()) object["link_name"] = entry.link_name;
  if (!entry.link_target.empty()) object["link_target"] = entry.link_target;
  if (!entry.device_path.empty()) object["device_path"] = entry.device_path;
  if (entry.buffered_io) object["buffered_io"] = 1;
  add_rows(object, entry, namespace_attributes());
  return object;
}

json to_json(const PortEntry& entry) {
  json object = {{"enable", entry.enable ? 1 : 0}};
  add_rows(object, entry, port_attributes());
  add_ana_groups(object, entry.ana_groups);
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

json to_json(const HostEntry& entry) {
  json object = json::object();
  if (!entry.link_target.empty()) object["link_target"] = entry.link_target;
  return object;
}

json to_json(const KernelPortEntry& entry) {
  json object = json::object();
  add_rows(object, entry, kernel_port_attributes());
  if (!entry.listen) object["listen"] = 0;
  add_ana_groups(object, entry.ana_groups);
  return object;
}

json to_json(const KernelLink& link) {
  json object = json::object();
  if (!link.target.empty()) object["link_target"] = link.target;
  if (link.is_held) object["held"] = 1;
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
  if (!document.discovery_nqn.empty()) root["nvmet"]["discovery_nqn"] = document.discovery_nqn;
  if (!document.kernel_hosts.empty() || !document.kernel_ports.empty())
    root["kernel"]["nvmet"] = kernel_json(document);
  // Paths of files need not be UTF-8, which JSON asks for.
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace weft::config
