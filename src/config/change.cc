#include "config/change.h"

#include <fmt/format.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/planted.h"
#include "base/reached.h"
#include "config/countdown.h"
#include "wire/nqn.h"

namespace weft::config {

namespace {

template <class Map, class Key>
const typename Map::mapped_type* find(const Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

Result<> set_backing(Tenant& tenant, Nsid nsid, const NamespaceEntry& entry) {
  return tenant.change_backing(nsid, [&entry](Tenant::Backing& into) -> Result<> {
    into = {.device_path = entry.device_path, .buffered_io = entry.buffered_io};
    return {};
  });
}

void set_identity(Device& device, const DeviceIdentity& wanted) {
  if (device.entry().identity == wanted) return;
  (void)device.change_identity([&wanted](DeviceIdentity& identity) -> Result<> {
    identity = wanted;
    return {};
  });
}

}  // namespace

// Devices that are opened here.  They may go on behind it.
struct Change::Openings {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> left;  // paths
  std::vector<Problem> failed;
  bool is_over = false;  // nobody waits for them any more
};

void Change::problem(const std::string& path, const Error& error) {
  problems_.push_back({path, error.message, error.code});
}

std::vector<Problem> Change::run() {
  remove_ports();
  remove_subsystems();
  remove_devices();
  const auto openings = std::make_shared<Openings>();
  make_devices(openings);
  apply_discovery_nqn();
  for (const auto& [nqn, entry] : next_.subsystems) make_subsystem(nqn, find(before_.subsystems, nqn), entry);
  apply_referrals();
  apply_kernel_layout();
  await(*openings);
  make_all_ports();
  if (planted(Bug::late_host_list))
    for (const auto& [nqn, entry] : next_.subsystems) set_access(nqn, find(before_.subsystems, nqn), entry);
  return std::move(problems_);
}

// One that should be open and is not is tried again.
bool Change::is_kept(const Device& device) const {
  const DeviceEntry* const wanted = find(next_.devices, device.name());
  if (wanted == nullptr || (wanted->enable && device.state() == Device::State::closed)) return false;
  const DeviceEntry its = device.entry();
  return wanted->control == its.control && wanted->enable == its.enable &&
         device.identifies_as(wanted->identity);
}

bool Change::is_dropped(const std::string& device) const {
  return before_.devices.contains(device) && !next_.devices.contains(device);
}

// Those that become others go too: they are made anew.
void Change::remove_devices() {
  Countdown closings;
  for (const auto& device : model_.devices()) {
    if (is_kept(*device) || (!next_.devices.contains(device->name()) && !is_dropped(device->name())))
      continue;
    // One that hangs in open is not waited for.
    const auto closed = std::make_shared<target::Done>(device->backend() == nullptr ? target::Done([] {})
                                                                                    : closings.one_more());
    if (auto removed = model_.remove_device(device->name(), [closed] { (*closed)(); }); !removed) {
      (*closed)();
      problem(device->path(), removed.error());
    }
  }
  remove_adapters();
  // A file that is open here would be refused to its successor.
  if (!closings.wait(patience_.close)) {
    WEFT_REACHED("config.backends_still_close");
    model_.parts().journal.note("target/core",
                                "backends that were removed are still closing; this goes on behind");
  }
}

void Change::remove_adapters() {
  std::set<std::string> gone = before_.empty_adapters;
  for (const auto& [name, entry] : before_.devices) gone.insert(split_device(name).first);
  for (const auto& name : next_.empty_adapters) gone.erase(name);
  for (const auto& [name, entry] : next_.devices) gone.erase(split_device(name).first);
  for (const auto& name : gone) (void)model_.remove_adapter(name);  // unless others have devices in it
}

void Change::make_devices(const std::shared_ptr<Openings>& openings) {
  for (const auto& name : next_.empty_adapters)
    if (model_.find_adapter(name) == nullptr)
      if (auto made = model_.make_adapter(name); !made) problem("target/core/" + name, made.error());
  std::vector<std::shared_ptr<Device>> batch;
  std::vector<std::string> serials;
  for (const auto& [name, entry] : next_.devices) {
    if (const auto present = model_.find_device(name)) {
      if (present->notes() != entry.notes)
        present->change_notes([&](DeviceNotes& notes) { notes = entry.notes; });
      // It says so already, of itself or by what is configured.
      if (is_kept(*present)) set_identity(*present, entry.identity);
      continue;
    }
    const auto device = make_device(name, entry);
    if (device == nullptr || !entry.enable) continue;
    batch.push_back(device);
    if (!entry.identity.unit_serial && device->plugin().keeps_data) serials.push_back(name);
  }
  // In one write.  What it could not keep is known for this process: none of them would say so by itself.
  if (auto kept = model_.parts().state.assure(serials, {}); !kept) {
    WEFT_REACHED("config.serials_not_kept");
    model_.parts().journal.note(
        "target/core", fmt::format("{}: new unit serials will not be the same after a restart; choose "
                                   "another --state-dir, or name them in vpd_unit_serial",
                                   kept.error().message));
  }
  for (const auto& device : batch) openings->left.insert(device->path());
  const auto opened = [openings, workshop = model_.workshop()](const std::string& path) {
    return [openings, workshop, path](const Result<>& result) {
      const bool failed = !result && result.error().code != ECANCELED;
      const std::scoped_lock lock(openings->mutex);
      openings->left.erase(path);
      if (failed && openings->is_over) {
        WEFT_REACHED("config.device_failed_behind");
        workshop->journal().problem(path, result.error().message);
      } else if (failed) {
        WEFT_REACHED("config.device_failed");
        openings->failed.push_back({path, result.error().message, result.error().code});
      }
      openings->changed.notify_all();
    };
  };
  for (const auto& device : batch)
    device->enable(Device::Asked::by_the_configuration, opened(device->path()));
}

std::shared_ptr<Device> Change::make_device(const std::string& name, const DeviceEntry& entry) {
  const std::string path = "target/core/" + name;
  const std::string adapter = split_device(name).first;
  auto made = model_.find_adapter(adapter) != nullptr ? Result<>() : model_.make_adapter(adapter);
  auto device = made ? model_.make_device(name) : std::unexpected(std::move(made.error()));
  if (!device) {
    WEFT_REACHED("config.device_not_made");
    problem(path, device.error());
    return nullptr;
  }
  for (const auto& [key, value] : entry.control)
    if (auto set = (*device)->set_control({{key, value}}); !set) {
      WEFT_REACHED("config.control_refused");
      problem(path + "/control/" + key, set.error());
      (void)model_.remove_device(name, [] {});
      return nullptr;
    }
  set_identity(**device, entry.identity);
  (*device)->change_notes([&](DeviceNotes& notes) { notes = entry.notes; });
  return std::move(*device);
}

void Change::await(Openings& openings) {
  std::unique_lock lock(openings.mutex);
  openings.changed.wait_for(lock, patience_.open, [&] { return openings.left.empty(); });
  for (const auto& path : openings.left) {
    WEFT_REACHED("config.device_still_opens");
    problem(path, {ETIMEDOUT,
                   "it still opens, and may hang; its namespaces come when it is there, all others go on"});
  }
  problems_.insert(problems_.end(), openings.failed.begin(), openings.failed.end());
  openings.is_over = true;
}

void Change::remove_subsystems() {
  for (const auto& tenant : model_.subsystems()) {
    const SubsystemEntry* const before = find(before_.subsystems, tenant->nqn());
    if (const SubsystemEntry* const next = find(next_.subsystems, tenant->nqn()); next != nullptr)
      remove_namespaces(*tenant, before, *next);
    else if (before != nullptr)
      if (auto removed = model_.remove_subsystem(tenant->nqn(), [] {}); !removed)
        problem(tenant->path(), removed.error());
  }
}

// Hosts see the same before and after, but for what changes while they are connected.
bool Change::is_kept(const Tenant::NamespaceView& its, const NamespaceEntry& next) const {
  const NamespaceEntry& now = its.entry;
  if (now.device != next.device || now.uuid != next.uuid || now.nguid != next.nguid ||
      now.read_only != next.read_only)
    return false;
  return its.device == nullptr || is_kept(*its.device) || !next_.devices.contains(its.device->name());
}

void Change::remove_namespaces(Tenant& tenant, const SubsystemEntry* before, const SubsystemEntry& next) {
  for (const auto& [nsid, its] : tenant.namespaces()) {
    const NamespaceEntry* const wanted = find(next.namespaces, nsid);
    if (wanted != nullptr && is_kept(its, *wanted)) continue;
    if (wanted == nullptr && (before == nullptr || !before->namespaces.contains(nsid))) continue;
    if (auto removed = tenant.remove_namespace(nsid, [] {}); !removed)
      problem(tenant.path(nsid), removed.error());
  }
}

void Change::make_subsystem(const std::string& nqn, const SubsystemEntry* before,
                            const SubsystemEntry& next) {
  auto tenant = model_.find_subsystem(nqn);
  if (tenant == nullptr) {
    auto made = model_.make_subsystem(nqn);
    if (!made) return problem("nvmet/subsystems/" + nqn, made.error());
    tenant = std::move(*made);
  }
  if (!planted(Bug::late_host_list)) set_access(nqn, before, next);
  const auto present = tenant->namespaces();
  for (const auto& [nsid, entry] : next.namespaces) {
    const auto set_group = [&entry](NamespaceEntry& into) -> Result<> {
      into.ana_group = entry.ana_group;
      return {};
    };
    if (!present.contains(nsid)) {
      make_namespace(*tenant, nsid, entry);
      continue;
    }
    const Tenant::NamespaceView& its = present.at(nsid);
    if (its.entry.ana_group != entry.ana_group)
      (void)tenant->change_namespace(nsid, Mutability::live, set_group, nullptr);
    if (its.device == nullptr) (void)set_backing(*tenant, nsid, entry);
  }
}

void Change::set_access(const std::string& nqn, const SubsystemEntry* before, const SubsystemEntry& next) {
  const auto tenant = model_.find_subsystem(nqn);
  if (tenant == nullptr) return;
  const auto change = [&](Tenant::Access& access) {
    if (before != nullptr) {
      for (const auto& [name, value] : before->attributes) access.attributes.erase(name);
      for (const auto& [host, entry] : before->hosts) access.hosts.erase(host);
    }
    for (const auto& [name, value] : next.attributes) access.attributes[name] = value;
    for (const auto& [host, entry] : next.hosts) access.hosts.insert_or_assign(host, entry);
  };
  if (auto configured = tenant->configure(change); !configured) {
    WEFT_REACHED("config.subsystem_refused");
    problem(tenant->path(), configured.error());
  }
}

void Change::make_namespace(Tenant& tenant, Nsid nsid, const NamespaceEntry& entry) {
  const std::string directory = entry.directory.empty() ? fmt::to_string(nsid.value()) : entry.directory;
  const auto set = [&entry](NamespaceEntry& into) -> Result<> {
    into = entry;
    into.device = into.directory = into.link_name = into.link_target = into.device_path = "";
    return {};
  };
  auto made = tenant.make_namespace(nsid, directory);
  if (made) made = tenant.change_namespace(nsid, Mutability::locked, set, nullptr);
  if (made) made = set_backing(tenant, nsid, entry);
  if (made && !entry.device.empty()) made = link_namespace(tenant, nsid, entry);
  if (!made) {
    WEFT_REACHED("config.namespace_not_made");
    problem(tenant.path(nsid), made.error());
  }
}

Result<> Change::link_namespace(Tenant& tenant, Nsid nsid, const NamespaceEntry& entry) {
  const auto none =
      fail(ENOENT, fmt::format("device \"target/core/{}\": there is none that is enabled", entry.device));
  const auto device = model_.find_device(entry.device);
  if (device == nullptr) {
    WEFT_REACHED("config.link_to_no_device");
    return none;
  }
  NamespaceLink link = usual_link(entry.device);
  if (!entry.link_name.empty()) link.name = entry.link_name;
  if (!entry.link_target.empty()) link.target = entry.link_target;
  if (auto linked = tenant.link(nsid, std::move(link), device, Device::WhenClosed::wait); !linked)
    return linked;
  // One that did not open has said why; the namespace waits for it either way.
  return device->entry().enable ? Result<>() : none;
}

void Change::apply_discovery_nqn() {
  std::string nqn = next_.discovery_nqn;
  if (nqn.empty() && !before_.discovery_nqn.empty()) nqn = wire::kDiscoveryNqn;
  // Hosts are told of each change.
  if (nqn.empty() || nqn == model_.parts().target.discovery_nqn()) return;
  if (auto set = model_.set_discovery_nqn(nqn); !set) {
    WEFT_REACHED("config.discovery_nqn_refused");
    problem("nvmet/discovery_nqn", set.error());
  }
}

void Change::apply_kernel_layout() {
  for (const auto& host : before_.kernel_hosts)
    if (!next_.kernel_hosts.contains(host)) model_.hosts().set_made(host, false);
  for (const auto& host : next_.kernel_hosts) model_.hosts().set_made(host, true);
  KernelPorts& ports = model_.kernel_ports();
  for (const auto& [id, port] : before_.kernel_ports)
    if (!next_.kernel_ports.contains(id)) ports.forget(id);
  for (const auto& [id, port] : next_.kernel_ports)
    if (auto restored = ports.restore(id, port); !restored) {
      WEFT_REACHED("config.kernel_port_not_restored");
      problem(KernelPorts::path(id), restored.error());
    }
}

void Change::apply_referrals() {
  ReferralSet& referrals = model_.referrals();
  for (const auto& [name, entry] : referrals.entries()) {
    const ReferralEntry* const wanted = find(next_.referrals, name);
    const bool goes = wanted == nullptr && before_.referrals.contains(name);
    if (goes || (wanted != nullptr && *wanted != entry)) (void)referrals.remove(name);
  }
  for (const auto& [name, entry] : next_.referrals) {
    if (referrals.find(name)) continue;
    const auto set = [&entry](ReferralEntry& into) -> Result<> {
      into = entry;
      into.enable = false;
      return {};
    };
    auto made = referrals.make(name);
    if (made) made = referrals.change(name, set);
    if (made && entry.enable) made = referrals.enable(name, true);
    if (!made) {
      WEFT_REACHED("config.referral_not_made");
      problem("nvmet/discovery/referrals/" + name, made.error());
    }
  }
}

}  // namespace weft::config
