#include "config/configuration.h"

#include <fmt/format.h>

#include <utility>

#include "base/patience.h"

namespace weft::config {

namespace {

// Opening many that hang costs a place for no longer than this.
constexpr std::size_t kOpenPlaces = 64;
constexpr std::chrono::milliseconds kOpenPatience{250};
constexpr std::size_t kRefreshPlaces = 2;
constexpr std::chrono::milliseconds kRefreshPatience{500};

std::string subsystem_path(const std::string& nqn) {
  return "nvmet/subsystems/" + nqn;
}

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

}  // namespace

Configuration::Configuration(Parts parts, Patience patience)
    : parts_(parts),
      patience_(patience),
      shared_(std::make_shared<Shared>()),
      openers_(kOpenPlaces, kOpenPatience),
      refreshers_(kRefreshPlaces, kRefreshPatience) {
  shared_->owner = this;
  sweeper_ = std::thread([this] { sweep(); });
}

Configuration::~Configuration() {
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->owner = nullptr;
    ending_ = true;
    shared_->changed.notify_all();
  }
  sweeper_.join();
}

void Configuration::problem(const std::string& path, const std::string& reason) {
  ++problems_;
  parts_.journal.problem(path, reason);
}

std::size_t Configuration::apply(const Document& next) {
  const Ports ports = [&] {
    const Lock lock(shared_->mutex);
    problems_ = 0;
    return wanted_ports(next);
  }();
  remove_ports(ports);
  remove_subsystems(next);
  remove_devices(next);
  const auto opening = open_devices(next);
  {
    const Lock lock(shared_->mutex);
    for (const auto& [nqn, entry] : next.subsystems) apply_subsystem(nqn, entry);
    apply_referrals(next);
  }
  attach_all();
  await_devices(opening);
  for (const auto& [name, wanted] : ports) apply_port(name, wanted);
  refresh();
  const Lock lock(shared_->mutex);
  return problems_;
}

void Configuration::remove_subsystems(const Document& next) {
  const Lock lock(shared_->mutex);
  for (auto it = subsystems_.begin(); it != subsystems_.end();) {
    if (next.subsystems.contains(it->first)) {
      remove_namespaces(it->second, next.subsystems.at(it->first));
      ++it;
      continue;
    }
    if (auto removed = parts_.target.remove_subsystem(it->first, [] {}); !removed)
      problem(subsystem_path(it->first), removed.error().message);
    it = subsystems_.erase(it);
  }
}

void Configuration::remove_namespaces(Subsystem& subsystem, const SubsystemEntry& next) {
  for (const auto& [nsid, entry] : subsystem.applied.namespaces) {
    const auto wanted = next.namespaces.find(nsid);
    if (wanted != next.namespaces.end() && wanted->second == entry) continue;
    if (subsystem.live.erase(nsid) == 0) continue;
    if (auto removed = subsystem.object->remove_namespace(nsid, [] {}); !removed)
      problem(subsystem_path(subsystem.object->nqn()), removed.error().message);
  }
}

void Configuration::apply_subsystem(const std::string& nqn, const SubsystemEntry& next) {
  const std::string path = subsystem_path(nqn);
  auto it = subsystems_.find(nqn);
  if (it == subsystems_.end()) {
    auto made = parts_.target.add_subsystem(nqn);
    if (!made) return problem(path, made.error().message);
    it = subsystems_.emplace(nqn, Subsystem{.applied = {}, .object = std::move(*made), .live = {}}).first;
  }
  Subsystem& subsystem = it->second;
  apply_access(subsystem, next, path);
  subsystem.applied = next;
}

void Configuration::apply_access(Subsystem& subsystem, const SubsystemEntry& next, const std::string& path) {
  const auto settings = settings_of(subsystem.object->nqn(), next.attributes);
  if (!settings) return problem(path, settings.error().message);
  const auto changed = subsystem.object->configure(*settings, {next.hosts.begin(), next.hosts.end()});
  if (!changed) problem(path, changed.error().message);
}

void Configuration::attach_all() {
  const Lock lock(shared_->mutex);
  for (auto& [nqn, subsystem] : subsystems_)
    for (const auto& [nsid, entry] : subsystem.applied.namespaces) {
      if (subsystem.live.contains(nsid)) continue;
      const auto device = devices_.find(entry.device);
      const std::string path = fmt::format("{}/namespaces/{}", subsystem_path(nqn), nsid.value());
      if (device == devices_.end())
        problem(path, fmt::format("device \"target/core/{}\": there is none that is enabled", entry.device));
      else
        attach(subsystem, nsid, entry);
    }
}

void Configuration::attach(Subsystem& subsystem, Nsid nsid, const NamespaceEntry& entry) {
  const auto device = devices_.find(entry.device);
  if (device == devices_.end() || device->second->state != Device::State::open) return;
  if (subsystem.live.contains(nsid)) return;
  auto added = subsystem.object->add_namespace(nsid, {.backend = device->second->backend,
                                                      .uuid = entry.uuid,
                                                      .nguid = entry.nguid,
                                                      .ana_group = entry.ana_group,
                                                      .read_only = entry.read_only});
  if (added)
    subsystem.live.insert(nsid);
  else
    problem(fmt::format("{}/namespaces/{}", subsystem_path(subsystem.object->nqn()), nsid.value()),
            added.error().message);
}

void Configuration::apply_referrals(const Document& next) {
  const auto wanted = [&next](const auto& pair) {
    const auto it = next.referrals.find(pair.first);
    return it != next.referrals.end() && it->second.enable && it->second == pair.second;
  };
  for (auto it = referrals_.begin(); it != referrals_.end();) {
    if (wanted(*it)) {
      ++it;
      continue;
    }
    if (auto removed = parts_.target.remove_referral(it->first); !removed)
      problem("nvmet/discovery/referrals/" + it->first, removed.error().message);
    it = referrals_.erase(it);
  }
  for (const auto& [name, entry] : next.referrals) {
    if (!entry.enable || referrals_.contains(name)) continue;
    const auto family = entry.adrfam == "ipv6" ? wire::AddressFamily::ipv6 : wire::AddressFamily::ipv4;
    auto added = parts_.target.add_referral({.name = name,
                                             .trtype = wire::TransportType::tcp,
                                             .adrfam = family,
                                             .traddr = entry.traddr,
                                             .trsvcid = entry.trsvcid,
                                             .portid = PortId()});
    if (added)
      referrals_.emplace(name, entry);
    else
      problem("nvmet/discovery/referrals/" + name, added.error().message);
  }
}

bool Configuration::close(Duration patience) {
  close_listeners();
  Countdown removals;
  bool clean = true;
  {
    Lock lock(shared_->mutex);
    ending_ = true;  // what opens from now on is closed again
    shared_->changed.notify_all();
    for (const auto& [nqn, subsystem] : subsystems_)
      clean = parts_.target.remove_subsystem(nqn, removals.one_more()).has_value() && clean;
    subsystems_.clear();
    for (const auto& [name, port] : ports_)
      clean = parts_.target.remove_port(port.object->options().id).has_value() && clean;
    ports_.clear();
    devices_.clear();
  }
  return removals.wait(patience) && openers_.wait_idle(patience) && refreshers_.wait_idle(patience) &&
         keeper_.wait_until_open(0, patience) && clean;
}

}  // namespace weft::config
