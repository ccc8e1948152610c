#include "config/configuration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <set>
#include <utility>

#include "base/patience.h"

namespace weft::config {

namespace {

// Counts down to the end of several removals, which any thread may report.
class Countdown {
 public:
  target::Done one_more() {
    const std::scoped_lock lock(state_->mutex);
    ++state_->left;
    return [state = state_] {
      const std::scoped_lock done_lock(state->mutex);
      --state->left;
      state->done.notify_all();
    };
  }
  bool wait(Duration patience) {
    std::unique_lock lock(state_->mutex);
    return await_none_left(state_->done, lock, patience, [this] { return state_->left; });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable done;
    std::size_t left = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// Those that the document listens on.
std::set<PortName> addresses_of(const Document& document) {
  std::set<PortName> all;
  const auto add = [&all](const std::map<PortName, PortEntry>& ports) {
    for (const auto& [name, entry] : ports)
      if (entry.enable) all.insert(name);
  };
  add(document.discovery_ports);
  for (const auto& [nqn, subsystem] : document.subsystems) add(subsystem.ports);
  return all;
}

// What asymmetric access says of them changes while hosts are connected; the rest takes them anew.
bool is_kept(const NamespaceEntry& present, NamespaceEntry next) {
  next.ana_group = present.ana_group;
  return next == present;
}
bool is_kept(const PortEntry& present, PortEntry next) {
  next.ana_groups = present.ana_groups;
  return next == present;
}

}  // namespace

// Devices that one apply opens.  They may go on behind it.
struct Configuration::Openings {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> left;  // paths
  std::size_t failed = 0;
};

Configuration::Configuration(Parts parts, Patience patience)
    : parts_(parts), patience_(patience), model_(parts) {
  sweeper_ = std::thread([this] { sweep(); });
}

Configuration::~Configuration() {
  model_.workshop()->end();
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  sweeper_.join();
}

void Configuration::problem(const std::string& path, const std::string& reason) {
  ++problems_;
  parts_.journal.problem(path, reason);
}

std::size_t Configuration::apply(const Document& next) {
  problems_ = 0;
  remove_ports(next);
  remove_subsystems(next);
  remove_devices(next);
  const auto openings = std::make_shared<Openings>();
  make_devices(next, openings);
  for (const auto& [nqn, entry] : next.subsystems) make_subsystem(nqn, entry);
  apply_referrals(next);
  await(*openings);
  Joinings joinings;
  make_ports({model_.workshop(), &model_.discovery_ports()}, next.discovery_ports, joinings);
  for (const auto& [nqn, entry] : next.subsystems)
    if (const auto tenant = model_.find_subsystem(nqn))
      make_ports({tenant, &tenant->ports()}, entry.ports, joinings);
  join(joinings);
  refresh();
  return problems_;
}

bool Configuration::is_kept(const Device& device, const Document& next) const {
  const auto wanted = next.devices.find(device.name());
  return wanted != next.devices.end() && wanted->second == device.entry();
}

// Those that change go too: they are made anew.
void Configuration::remove_devices(const Document& next) {
  Countdown closings;
  for (const auto& device : model_.devices()) {
    if (is_kept(*device, next)) continue;
    // One that hangs in open is not waited for.
    const auto closed = std::make_shared<target::Done>(device->backend() == nullptr ? target::Done([] {})
                                                                                    : closings.one_more());
    if (auto removed = model_.remove_device(device->name(), [closed] { (*closed)(); }); !removed) {
      (*closed)();
      problem(device->path(), removed.error().message);
    }
  }
  for (const auto& adapter : model_.adapters())
    (void)model_.remove_adapter(adapter->name());  // the empty ones
  // A file that is open here would be refused to its successor.
  if (!closings.wait(patience_.close))
    parts_.journal.note("target/core", "backends that were removed are still closing; this goes on behind");
}

void Configuration::make_devices(const Document& next, const std::shared_ptr<Openings>& openings) {
  std::vector<std::shared_ptr<Device>> batch;
  std::vector<std::string> serials;
  for (const auto& [name, entry] : next.devices) {
    if (model_.find_device(name) != nullptr) continue;
    const auto device = make_device(name, entry);
    if (device == nullptr || !entry.enable) continue;
    batch.push_back(device);
    if (!entry.unit_serial && device->plugin().keeps_data) serials.push_back(name);
  }
  // In one write; each that finds itself without says so.
  (void)parts_.state.assure(serials, {});
  for (const auto& device : batch) openings->left.insert(device->path());
  for (const auto& device : batch)
    device->enable([openings, workshop = model_.workshop(), path = device->path()](const Result<>& result) {
      const bool failed = !result && result.error().code != ECANCELED;
      if (failed) workshop->journal().problem(path, result.error().message);
      const std::scoped_lock lock(openings->mutex);
      openings->left.erase(path);
      openings->failed += failed ? 1 : 0;
      openings->changed.notify_all();
    });
}

std::shared_ptr<Device> Configuration::make_device(const std::string& name, const DeviceEntry& entry) {
  const std::string path = "target/core/" + name;
  const std::string adapter = name.substr(0, name.find('/'));
  auto made = model_.find_adapter(adapter) != nullptr ? Result<>() : model_.make_adapter(adapter);
  auto device = made ? model_.make_device(name) : std::unexpected(std::move(made.error()));
  if (!device) {
    problem(path, device.error().message);
    return nullptr;
  }
  for (const auto& [key, value] : entry.control)
    if (auto set = (*device)->set_control(key, value); !set) {
      problem(path + "/control/" + key, set.error().message);
      (void)model_.remove_device(name, [] {});
      return nullptr;
    }
  if (entry.unit_serial) (void)(*device)->set_unit_serial(*entry.unit_serial);
  return std::move(*device);
}

void Configuration::await(Openings& openings) {
  std::unique_lock lock(openings.mutex);
  openings.changed.wait_for(lock, patience_.open, [&] { return openings.left.empty(); });
  for (const auto& path : openings.left)
    problem(path, "it still opens, and may hang; its namespaces come when it is there, all others go on");
  problems_ += openings.failed;
}

void Configuration::remove_subsystems(const Document& next) {
  for (const auto& tenant : model_.subsystems()) {
    if (const auto wanted = next.subsystems.find(tenant->nqn()); wanted != next.subsystems.end()) {
      remove_namespaces(*tenant, next, wanted->second);
      continue;
    }
    if (auto removed = model_.remove_subsystem(tenant->nqn(), [] {}); !removed)
      problem(tenant->path(), removed.error().message);
  }
}

void Configuration::remove_namespaces(Tenant& tenant, const Document& next, const SubsystemEntry& wanted) {
  for (const auto& [nsid, its] : tenant.namespaces()) {
    const auto entry = wanted.namespaces.find(nsid);
    if (its.device != nullptr && entry != wanted.namespaces.end() &&
        config::is_kept(its.entry, entry->second) && is_kept(*its.device, next))
      continue;
    if (auto removed = tenant.remove_namespace(nsid, [] {}); !removed)
      problem(tenant.path(nsid), removed.error().message);
  }
}

void Configuration::make_subsystem(const std::string& nqn, const SubsystemEntry& next) {
  auto tenant = model_.find_subsystem(nqn);
  if (tenant == nullptr) {
    auto made = model_.make_subsystem(nqn);
    if (!made) return problem("nvmet/subsystems/" + nqn, made.error().message);
    tenant = std::move(*made);
  }
  if (auto configured = tenant->configure(next.attributes, next.hosts); !configured)
    problem(tenant->path(), configured.error().message);
  const auto present = tenant->namespaces();
  for (const auto& [nsid, entry] : next.namespaces) {
    const auto set_group = [&entry](NamespaceEntry& into) -> Result<> {
      into.ana_group = entry.ana_group;
      return {};
    };
    if (present.contains(nsid))
      (void)tenant->change_namespace(nsid, Mutability::live, set_group, nullptr);
    else
      make_namespace(*tenant, nsid, entry);
  }
}

void Configuration::make_namespace(Tenant& tenant, Nsid nsid, const NamespaceEntry& entry) {
  const auto make = [&]() -> Result<> {
    if (auto made = tenant.make_namespace(nsid, fmt::to_string(nsid.value())); !made) return made;
    const auto set = [&entry](NamespaceEntry& into) -> Result<> {
      into = entry;
      into.device.clear();
      return {};
    };
    if (auto changed = tenant.change_namespace(nsid, Mutability::locked, set, nullptr); !changed)
      return changed;
    const auto device = model_.find_device(entry.device);
    if (device == nullptr)
      return fail(ENOENT,
                  fmt::format("device \"target/core/{}\": there is none that is enabled", entry.device));
    auto linked = tenant.link(nsid,
                              {.name = entry.device.substr(entry.device.find('/') + 1),
                               .target = "../../../../../target/core/" + entry.device},
                              device);
    if (!linked && linked.error().code == ENODEV) return {};  // the device has said why
    return linked;
  };
  if (auto made = make(); !made) problem(tenant.path(nsid), made.error().message);
}

void Configuration::apply_referrals(const Document& next) {
  ReferralSet& referrals = model_.referrals();
  for (const auto& [name, entry] : referrals.entries()) {
    const auto wanted = next.referrals.find(name);
    if (wanted == next.referrals.end() || wanted->second != entry) (void)referrals.remove(name);
  }
  for (const auto& [name, entry] : next.referrals) {
    if (referrals.find(name)) continue;
    const auto set = [&](ReferralEntry& into) -> Result<> {
      into = entry;
      into.enable = false;
      return {};
    };
    auto made = referrals.make(name);
    if (made) made = referrals.change(name, set);
    if (made && entry.enable) made = referrals.enable(name, true);
    if (!made) problem("nvmet/discovery/referrals/" + name, made.error().message);
  }
}

// Listeners that nobody wants any more close before anything leaves those that stay: who sees that a
// subsystem is gone finds its own listeners closed.
void Configuration::remove_ports(const Document& next) {
  const std::set<PortName> staying = addresses_of(next);
  for (const bool stays : {false, true}) {
    const auto concerns = [&](const PortName& name) { return staying.contains(name) == stays; };
    remove_ports(model_.discovery_ports(), next.discovery_ports, concerns);
    for (const auto& tenant : model_.subsystems()) {
      const auto wanted = next.subsystems.find(tenant->nqn());
      remove_ports(tenant->ports(),
                   wanted == next.subsystems.end() ? std::map<PortName, PortEntry>() : wanted->second.ports,
                   concerns);
    }
  }
}

void Configuration::remove_ports(PortSet& ports, const std::map<PortName, PortEntry>& wanted,
                                 const std::function<bool(const PortName&)>& concerns) {
  for (const auto& [name, entry] : ports.entries()) {
    const auto next = wanted.find(name);
    if (!concerns(name) || (next != wanted.end() && config::is_kept(entry, next->second))) continue;
    if (auto removed = ports.remove(name, nullptr); !removed && removed.error().code != ENOENT)
      problem(ports.path(name), removed.error().message);
  }
}

void Configuration::make_ports(const std::shared_ptr<PortSet>& ports,
                               const std::map<PortName, PortEntry>& wanted, Joinings& joinings) {
  const auto present = ports->entries();
  for (const auto& [name, entry] : wanted) {
    const auto made = present.contains(name) ? ports->set_ana_groups(name, entry.ana_groups, nullptr)
                                             : make_port(ports, name, entry, joinings);
    if (!made) problem(ports->path(name), made.error().message);
  }
}

Result<> Configuration::make_port(const std::shared_ptr<PortSet>& ports, const PortName& name,
                                  const PortEntry& entry, Joinings& joinings) {
  if (auto made = ports->make(name); !made) return made;
  const auto set = [&entry](PortEntry& into) -> Result<> {
    into.advertise = entry.advertise;
    into.ana_groups = entry.ana_groups;
    return {};
  };
  if (auto changed = ports->change(name, set); !changed) return changed;
  if (!entry.enable) return {};
  auto user = ports->begin_enable(name);
  if (!user) return std::unexpected(std::move(user.error()));
  joinings[name].sets.push_back(ports);
  joinings[name].users.push_back(std::move(*user));
  return {};
}

// All of one address at once: a host that meets "not allowed" never comes back.
void Configuration::join(const Joinings& joinings) {
  for (const auto& [name, joining] : joinings) {
    auto results = model_.listeners().join(name, joining.users);
    for (std::size_t i = 0; i < results.size(); ++i)
      if (auto joined = joining.sets[i]->end_enable(name, std::move(results[i])); !joined)
        problem(joining.users[i].path, joined.error().message);
  }
}

void Configuration::refresh() {
  for (const auto& device : model_.devices()) device->refresh();
}

void Configuration::sweep() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, patience_.sweep, [this] { return ending_; })) {
    lock.unlock();
    refresh();
    lock.lock();
  }
}

std::vector<std::shared_ptr<block::Backend>> Configuration::backends() const {
  std::vector<std::shared_ptr<block::Backend>> all;
  for (const auto& device : model_.devices())
    if (auto backend = device->backend()) all.push_back(std::move(backend));
  return all;
}

std::vector<std::string> Configuration::opening() const {
  std::vector<std::string> names;
  for (const auto& device : model_.devices())
    if (device->state() == Device::State::opening) names.push_back(device->name());
  return names;
}

bool Configuration::close(Duration patience) {
  close_listeners();
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  Countdown removals;
  bool clean = true;
  for (const auto& tenant : model_.subsystems())
    clean = model_.remove_subsystem(tenant->nqn(), removals.one_more()).has_value() && clean;
  (void)model_.discovery_ports().begin_end();
  model_.discovery_ports().end();
  for (const auto& device : model_.devices())
    clean = model_.remove_device(device->name(), [] {}).has_value() && clean;
  Workshop& shop = *model_.workshop();
  return removals.wait(patience) && shop.workers.wait_idle(patience) && shop.openers.wait_idle(patience) &&
         shop.refreshers.wait_idle(patience) && shop.keeper.wait_until_open(0, patience) && clean;
}

}  // namespace weft::config
