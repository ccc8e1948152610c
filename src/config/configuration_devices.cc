#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <utility>

#include "config/configuration.h"

namespace weft::config {

namespace {

std::string device_path(const std::string& name) {
  return "target/core/" + name;
}

template <class Range>
std::string names_of(const Range& range) {
  std::vector<std::string_view> names;
  for (const auto& each : range) names.push_back(each.name);
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

const block::Plugin* Configuration::find_plugin(const std::string& device) const {
  const std::string adapter = device.substr(0, device.find('/'));
  const std::string name = adapter.substr(0, adapter.rfind('_'));
  for (const auto& plugin : parts_.plugins)
    if (plugin.name == name) return &plugin;
  return nullptr;
}

// Those that change go too: they are opened anew.
void Configuration::remove_devices(const Document& next) {
  std::size_t others = 0;
  bool removed = false;
  {
    const Lock lock(shared_->mutex);
    for (auto it = devices_.begin(); it != devices_.end();) {
      const auto wanted = next.devices.find(it->first);
      if (wanted != next.devices.end() && wanted->second == it->second->entry &&
          it->second->state != Device::State::failed) {
        others += it->second->backend != nullptr ? 1 : 0;
        ++it;
        continue;
      }
      detach_device(it->first);
      removed = removed || it->second->backend != nullptr;
      it = devices_.erase(it);
    }
  }
  // A file that is open here would be refused to its successor.
  if (removed && !keeper_.wait_until_open(others, patience_.close))
    parts_.journal.note("target/core", "backends that were removed are still closing; this goes on behind");
}

void Configuration::detach_device(const std::string& name) {
  for (auto& [nqn, subsystem] : subsystems_)
    for (const auto& [nsid, entry] : subsystem.applied.namespaces) {
      if (entry.device != name || subsystem.live.erase(nsid) == 0) continue;
      if (auto removed = subsystem.object->remove_namespace(nsid, [] {}); !removed)
        problem(fmt::format("nvmet/subsystems/{}/namespaces/{}", nqn, nsid.value()), removed.error().message);
    }
}

bool Configuration::check_device(const std::string& name, const DeviceEntry& entry, const std::string& path) {
  const block::Plugin* const plugin = find_plugin(name);
  if (plugin == nullptr) {
    problem(path, fmt::format("there is no such plugin; known: {}", names_of(parts_.plugins)));
    return false;
  }
  for (const auto& [key, value] : entry.control) {
    const bool known = std::ranges::any_of(plugin->keys, [&](const auto& each) { return each.name == key; });
    if (known) continue;
    problem(path + "/control/" + key,
            fmt::format("\"{}\": unknown key; known here: {}", value, names_of(plugin->keys)));
    return false;
  }
  return true;
}

std::vector<std::shared_ptr<Configuration::Device>> Configuration::open_devices(const Document& next) {
  std::vector<std::shared_ptr<Device>> batch;
  std::vector<std::string> serials;
  Lock lock(shared_->mutex);
  for (const auto& [name, entry] : next.devices) {
    if (!entry.enable || devices_.contains(name) || !check_device(name, entry, device_path(name))) continue;
    auto device = std::make_shared<Device>();
    device->name = name;
    device->entry = entry;
    devices_.emplace(name, device);
    batch.push_back(device);
    if (!entry.unit_serial && find_plugin(name)->keeps_data) serials.push_back(name);
  }
  lock.unlock();
  if (auto kept = parts_.state.assure(serials, {}); !kept)
    parts_.journal.note(
        "target/core",
        fmt::format("{}: new unit serials will not be the same after a restart; choose another "
                    "--state-dir, or name them in vpd_unit_serial",
                    kept.error().message));
  for (const auto& device : batch) open_device(device, *find_plugin(device->name));
  return batch;
}

void Configuration::open_device(const std::shared_ptr<Device>& device, const block::Plugin& plugin) {
  block::OpenOptions options{.name = device->name, .serial = {}, .control = device->entry.control};
  if (device->entry.unit_serial)
    options.serial = *device->entry.unit_serial;
  else
    options.serial = plugin.keeps_data ? parts_.state.unit_serial(device->name) : StateStore::random_uuid();
  openers_.run([shared = shared_, device, open = plugin.open, options = std::move(options)] {
    auto result = open(options);
    const std::scoped_lock lock(shared->mutex);
    if (shared->owner != nullptr) shared->owner->opened(*device, std::move(result));
  });
}

void Configuration::opened(Device& device, Result<std::shared_ptr<block::Backend>> result) {
  std::shared_ptr<block::Backend> backend;
  if (result) backend = keeper_.keep(std::move(*result));
  const auto current = devices_.find(device.name);
  const bool wanted = !ending_ && current != devices_.end() && current->second.get() == &device;
  device.state = backend != nullptr && wanted ? Device::State::open : Device::State::failed;
  shared_->changed.notify_all();
  if (!wanted) return;
  if (!result) return problem(device_path(device.name), result.error().message);
  device.backend = std::move(backend);
  parts_.journal.note(device_path(device.name), "open: " + device.backend->info());
  for (auto& [nqn, subsystem] : subsystems_)
    for (const auto& [nsid, entry] : subsystem.applied.namespaces)
      if (entry.device == device.name) attach(subsystem, nsid, entry);
}

void Configuration::await_devices(const std::vector<std::shared_ptr<Device>>& devices) {
  Lock lock(shared_->mutex);
  const auto is_opening = [](const auto& device) { return device->state == Device::State::opening; };
  shared_->changed.wait_for(lock, patience_.open, [&] { return std::ranges::none_of(devices, is_opening); });
  for (const auto& device : devices)
    if (is_opening(device))
      problem(device_path(device->name),
              "it still opens, and may hang; its namespaces come when it is there, all others go on");
}

void Configuration::refresh_device(const std::shared_ptr<Device>& device) {
  if (device->state != Device::State::open || std::exchange(device->refreshing, true)) return;
  refreshers_.run([shared = shared_, device, backend = device->backend] {
    auto result = backend->refresh();
    const std::scoped_lock lock(shared->mutex);
    device->refreshing = false;
    const std::string error = result ? "" : result.error().message;
    if (std::exchange(device->last_refresh_error, error) == error) return;
    if (shared->owner != nullptr && !error.empty())
      shared->owner->parts_.journal.problem(device_path(device->name), error);
  });
}

void Configuration::refresh() {
  const Lock lock(shared_->mutex);
  for (const auto& [name, device] : devices_) refresh_device(device);
}

void Configuration::sweep() {
  Lock lock(shared_->mutex);
  while (!shared_->changed.wait_for(lock, patience_.sweep, [this] { return ending_; }))
    for (const auto& [name, device] : devices_) refresh_device(device);
}

std::vector<std::shared_ptr<block::Backend>> Configuration::backends() const {
  const Lock lock(shared_->mutex);
  std::vector<std::shared_ptr<block::Backend>> all;
  for (const auto& [name, device] : devices_)
    if (device->backend != nullptr) all.push_back(device->backend);
  return all;
}

std::vector<std::string> Configuration::opening() const {
  const Lock lock(shared_->mutex);
  std::vector<std::string> names;
  for (const auto& [name, device] : devices_)
    if (device->state == Device::State::opening) names.push_back(name);
  return names;
}

}  // namespace weft::config
