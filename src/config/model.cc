#include "config/model.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/reached.h"
#include "config/document_rows.h"
#include "wire/nqn.h"

namespace weft::config {

namespace {

std::unexpected<Error> none(std::string_view what, std::string_view name) {
  return fail(ENOENT, fmt::format("{} {}: there is none", what, name));
}

}  // namespace

std::shared_ptr<Device> Adapter::find(std::string_view device) const {
  const std::scoped_lock lock(mutex_);
  const auto it = devices_.find(device);
  return it == devices_.end() ? nullptr : it->second;
}

std::vector<std::string> Adapter::names() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, device] : devices_) names.push_back(name);
  return names;
}

std::vector<std::shared_ptr<Device>> Adapter::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<Device>> all;
  for (const auto& [name, device] : devices_) all.push_back(device);
  return all;
}

Result<> Adapter::insert(const std::string& device, std::shared_ptr<Device> object) {
  const std::scoped_lock lock(mutex_);
  if (is_gone_) {
    WEFT_REACHED("config.device_for_adapter_that_goes");
    return none("adapter", name_);
  }
  if (devices_.emplace(device, std::move(object)).second) return {};
  return fail(EEXIST, fmt::format("device {}/{}: there is one already", name_, device));
}

void Adapter::erase(std::string_view device) {
  const std::scoped_lock lock(mutex_);
  if (const auto it = devices_.find(device); it != devices_.end()) devices_.erase(it);
}

Result<> Adapter::end() {
  const std::scoped_lock lock(mutex_);
  if (!devices_.empty())
    return fail(ENOTEMPTY, fmt::format("adapter {}: it has {} devices, like {}; remove them first", name_,
                                       devices_.size(), devices_.begin()->first));
  is_gone_ = true;
  store_.erase(row());
  return {};
}

void Adapter::keep_new() {
  const std::scoped_lock lock(mutex_);
  if (!is_gone_) store_.put(row(), "{}");
}

std::string Adapter::row() const {
  return row_path({"target", "core", name_});
}

Model::Model(const Parts& parts)
    : parts_(parts),
      workshop_(std::make_shared<Workshop>(parts.state, parts.store, parts.journal)),
      listeners_(parts.target, parts.transports, *workshop_),
      hosts_(parts.store),
      discovery_ports_(listeners_, parts.store, nullptr),
      referrals_(parts.target, parts.store),
      kernel_ports_(*this) {}

Result<> Model::make_adapter(const std::string& name) {
  if (auto checked = check_adapter_name(name); !checked) return checked;
  const auto plugin = find_plugin(parts_.plugins, name);
  if (!plugin) return std::unexpected(plugin.error());
  const auto adapter = std::make_shared<Adapter>(name, **plugin, parts_.store);
  if (!adapters_.insert(name, adapter))
    return fail(EEXIST, fmt::format("adapter {}: there is one already", name));
  adapter->keep_new();
  return {};
}

Result<> Model::remove_adapter(const std::string& name) {
  const auto adapter = adapters_.find(name);
  if (adapter == nullptr) return none("adapter", name);
  if (auto ended = adapter->end(); !ended) return ended;
  adapters_.erase(name, *adapter);
  return {};
}

Result<std::shared_ptr<Device>> Model::make_device(const std::string& name) {
  const auto [adapter_name, device_name] = split_device(name);
  if (auto checked = check_name(device_name); !checked) return std::unexpected(checked.error());
  const auto adapter = adapters_.find(adapter_name);
  if (adapter == nullptr) return none("adapter", adapter_name);
  auto device = std::make_shared<Device>(workshop_, name, adapter->plugin());
  if (auto inserted = adapter->insert(std::string(device_name), device); !inserted)
    return std::unexpected(std::move(inserted.error()));
  device->keep_new();
  return device;
}

Result<> Model::remove_device(const std::string& name, std::move_only_function<void()> closed) {
  const auto device = find_device(name);
  if (device == nullptr) return none("device", name);
  if (auto removed = device->remove(workshop_->goings_on->begin(device->path(), "closes", std::move(closed)));
      !removed)
    return removed;
  const auto [adapter_name, device_name] = split_device(name);
  if (const auto adapter = adapters_.find(adapter_name)) adapter->erase(device_name);
  return {};
}

std::shared_ptr<Device> Model::find_device(std::string_view name) const {
  const auto [adapter_name, device_name] = split_device(std::string(name));
  const auto adapter = adapters_.find(adapter_name);
  return adapter == nullptr ? nullptr : adapter->find(device_name);
}

std::vector<std::shared_ptr<Device>> Model::devices() const {
  std::vector<std::shared_ptr<Device>> all;
  for (const auto& adapter : adapters_.all())
    for (auto& device : adapter->all()) all.push_back(std::move(device));
  return all;
}

Result<std::shared_ptr<Tenant>> Model::make_subsystem(const std::string& nqn) {
  auto made = parts_.target.add_subsystem(nqn);
  if (!made) return std::unexpected(std::move(made.error()));
  auto tenant = std::make_shared<Tenant>(
      Commons{.workshop = workshop_,
              .listeners = listeners_,
              .hosts = hosts_,
              .remove_device = [this](const std::string& device,
                                      auto closed) { return remove_device(device, std::move(closed)); }},
      std::move(*made));
  tenant->keep_new();
  // The target has just found that nobody has the name.
  tenants_.insert(nqn, tenant);
  return tenant;
}

Result<> Model::remove_subsystem(const std::string& nqn, target::Done done) {
  const auto tenant = tenants_.find(nqn);
  // In this order: a successor of the name is inserted after the target has forgotten it.
  if (tenant == nullptr || !tenants_.erase(nqn, *tenant)) return none("subsystem", nqn);
  for (const auto& [port, entry] : tenant->ports().entries()) kernel_ports_.forget_link(port, nqn);
  tenant->forget();
  auto drained = workshop_->goings_on->begin(tenant->path(), "drains", std::move(done));
  if (auto removed = parts_.target.remove_subsystem(nqn, std::move(drained)); !removed) return removed;
  tenant->end();
  return {};
}

Result<> Model::set_discovery_nqn(const std::string& nqn) {
  const std::scoped_lock lock(discovery_nqn_mutex_);
  auto set = parts_.target.set_discovery_nqn(nqn);
  std::map<std::string, std::string> own;
  if (nqn != wire::kDiscoveryNqn) own["discovery_nqn"] = nqn;
  if (set) parts_.store.put("nvmet", row_value(own));
  return set;
}

Document Model::document() const {
  Document document;
  for (const auto& adapter : adapters()) {
    const auto devices = adapter->all();
    if (devices.empty()) document.empty_adapters.insert(adapter->name());
    for (const auto& device : devices) document.devices.emplace(device->name(), device->entry());
  }
  document.discovery_ports = discovery_ports_.entries();
  document.referrals = referrals_.entries();
  for (const auto& tenant : subsystems()) document.subsystems.emplace(tenant->nqn(), tenant->entry());
  if (std::string nqn = parts_.target.discovery_nqn(); nqn != wire::kDiscoveryNqn)
    document.discovery_nqn = std::move(nqn);
  document.kernel_hosts = hosts_.made();
  document.kernel_ports = kernel_ports_.entries();
  return document;
}

std::optional<Document> Model::document_of(std::string_view nqn) const {
  const auto tenant = find_subsystem(nqn);
  if (tenant == nullptr) return std::nullopt;
  Document document;
  for (const auto& [nsid, its] : tenant->namespaces())
    if (its.device != nullptr) document.devices.emplace(its.device->name(), its.device->entry());
  document.subsystems.emplace(nqn, tenant->entry());
  return document;
}

}  // namespace weft::config
