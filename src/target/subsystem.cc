#include "target/subsystem.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/call.h"
#include "base/planted.h"
#include "base/reached.h"
#include "target/controller.h"
#include "target/identity.h"
#include "target/target.h"
#include "wire/nqn.h"

namespace weft::target {

namespace {

Result<> check_host(const std::string& hostnqn) {
  const auto flaw = wire::nqn_flaw(hostnqn);
  if (flaw == wire::NqnFlaw::none) return {};
  return fail(EINVAL, fmt::format("host '{}': the name {}", hostnqn, wire::describe(flaw)));
}

using Which = std::function<bool(const NamespaceInfo&)>;

void change_namespaces(Snapshot& next, const Which& which,
                       const std::function<void(NamespaceInfo&)>& change) {
  for (auto& info : next.namespaces) {
    if (!which(*info)) continue;
    auto changed = std::make_shared<NamespaceInfo>(*info);
    change(*changed);
    info = std::move(changed);
  }
}

// What is published with a pin then waits for all commands in these namespaces.
void admit_anew(Snapshot& next, const Which& which) {
  change_namespaces(next, which, [](NamespaceInfo& info) { ++info.admission; });
}

}  // namespace

// Sees a backend's changes for one namespace.
struct Subsystem::Attachment final : block::BackendObserver {
  Attachment(Subsystem& owner, Nsid id, std::shared_ptr<block::Backend> shared)
      : subsystem(owner), nsid(id), backend(std::move(shared)) {
    backend->add_observer(*this);
  }
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  ~Attachment() { backend->remove_observer(*this); }
  void geometry_changed() override { subsystem.geometry_changed(nsid); }

  Subsystem& subsystem;
  const Nsid nsid;
  const std::shared_ptr<block::Backend> backend;
};

Subsystem::Subsystem(Target& target, std::string nqn, Kind kind)
    : target_(target), nqn_(std::move(nqn)), kind_(kind), attached_loops_(target.loops().all().size(), 0) {
  auto first = std::make_shared<Snapshot>();
  first->generation = 1;
  first->settings.serial = default_serial(nqn_);
  snapshot_ = std::move(first);
}

Subsystem::~Subsystem() = default;

SubsystemSettings Subsystem::settings() const {
  return snapshot()->settings;
}

std::shared_ptr<const Snapshot> Subsystem::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return snapshot_;
}

Result<> Subsystem::change_settings(const std::function<Result<>(SubsystemSettings&)>& change) {
  std::unique_lock lock(mutex_);
  auto next = std::make_shared<Snapshot>(*snapshot_);
  if (auto changed = change(next->settings); !changed) return changed;
  if (next->settings.allow_any_host && !hosts_.empty())
    return fail(
        EINVAL,
        fmt::format("subsystem {}: any host cannot be allowed while {} hosts are listed; remove them first",
                    nqn_, hosts_.size()));
  publish_access(lock, std::move(next));
  return {};
}

Result<> Subsystem::configure(const SubsystemSettings& settings, std::set<std::string, std::less<>> hosts) {
  for (const std::string& host : hosts)
    if (auto checked = check_host(host); !checked) return checked;
  if (settings.allow_any_host && !hosts.empty())
    return fail(EINVAL,
                fmt::format("subsystem {}: either any host is allowed or those {} that are listed; set "
                            "allow_any_host to 0 or list none",
                            nqn_, hosts.size()));
  std::unique_lock lock(mutex_);
  hosts_ = std::move(hosts);
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->settings = settings;
  publish_access(lock, std::move(next));
  return {};
}

void Subsystem::publish_access(std::unique_lock<std::mutex>& lock, std::shared_ptr<Snapshot> next) {
  snapshot_ = next;
  const auto refused =
      controllers_that([this](const Controller& controller) { return !is_admitted(controller.host().nqn); });
  publish(lock, std::move(next), nullptr, {});
  for (const auto& controller : refused) controller->end_from(fabric::CloseReason::removed, nullptr);
  target_.discovery_changed();
}

Result<> Subsystem::add_host(const std::string& hostnqn) {
  if (auto checked = check_host(hostnqn); !checked) return checked;
  {
    const std::scoped_lock lock(mutex_);
    if (snapshot_->settings.allow_any_host)
      return fail(EINVAL, fmt::format("subsystem {}: hosts cannot be listed while any host is allowed; "
                                      "set allow_any_host to 0 first",
                                      nqn_));
    if (!hosts_.insert(hostnqn).second)
      return fail(EEXIST, fmt::format("subsystem {}: host {} is listed already", nqn_, hostnqn));
  }
  target_.discovery_changed();
  return {};
}

Result<> Subsystem::remove_host(const std::string& hostnqn, Done done) {
  Pin pin;  // made when there is something to wait for: it tells as it goes
  std::unique_lock lock(mutex_);
  if (hosts_.erase(hostnqn) == 0)
    return fail(ENOENT, fmt::format("subsystem {}: host {} is not listed", nqn_, hostnqn));
  pin = make_pin(std::move(done));
  publish_end(lock, std::make_shared<Snapshot>(*snapshot_), pin,
              [&hostnqn](const Controller& controller) { return controller.host().nqn == hostnqn; });
  target_.discovery_changed();
  return {};
}

void Subsystem::leave_port(PortId port, Done done) {
  const Pin pin = make_pin(std::move(done));
  std::unique_lock lock(mutex_);
  auto next = std::make_shared<Snapshot>(*snapshot_);
  std::erase_if(next->ports, [port](const PortAna& each) { return each.port == port; });
  publish_end(lock, std::move(next), pin,
              [port](const Controller& controller) { return controller.port() == port; });
}

void Subsystem::publish_end(std::unique_lock<std::mutex>& lock, std::shared_ptr<Snapshot> next,
                            const Pin& pin, const std::function<bool(const Controller&)>& ends) {
  admit_anew(*next, [](const NamespaceInfo&) { return true; });
  const auto ending = controllers_that(ends);
  publish(lock, std::move(next), pin, {});
  for (const auto& controller : ending) controller->end_from(fabric::CloseReason::removed, pin);
}

std::vector<std::shared_ptr<Controller>> Subsystem::controllers_that(
    const std::function<bool(const Controller&)>& condition) const {
  std::vector<std::shared_ptr<Controller>> all;
  for (const auto& [id, controller] : controllers_)
    if (condition(*controller)) all.push_back(controller);
  return all;
}

std::vector<std::string> Subsystem::hosts() const {
  const std::scoped_lock lock(mutex_);
  return {hosts_.begin(), hosts_.end()};
}

bool Subsystem::admits_host(std::string_view hostnqn) const {
  const std::scoped_lock lock(mutex_);
  return is_admitted(hostnqn);
}

bool Subsystem::is_admitted(std::string_view hostnqn) const {
  return kind_ == Kind::discovery || snapshot_->settings.allow_any_host || hosts_.contains(hostnqn);
}

Result<> Subsystem::add_namespace(Nsid nsid, const NamespaceOptions& options) {
  if (nsid.value() == 0 || nsid == kAllNamespaces)
    return fail(EINVAL,
                fmt::format("namespace {} of {}: an nsid is from 1 to 4294967294", nsid.value(), nqn_));
  auto info = std::make_shared<NamespaceInfo>();
  info->nsid = nsid;
  info->backend = options.backend;
  info->geometry = options.backend->geometry();
  info->uuid = options.uuid.value_or(namespace_uuid(options.backend->serial(), nqn_, nsid));
  info->nguid = options.nguid.value_or(namespace_nguid(options.backend->serial(), nqn_, nsid));
  info->ana_group = options.ana_group;
  info->read_only = options.read_only || info->geometry.read_only;
  auto attachment = std::make_unique<Attachment>(*this, nsid, options.backend);

  std::unique_lock lock(mutex_);
  if (going_) {
    WEFT_REACHED("target.namespace_for_subsystem_that_goes");
    return fail(ENOENT, fmt::format("subsystem {}: it is being removed", nqn_));
  }
  if (snapshot_->find(nsid) != nullptr)
    return fail(EEXIST, fmt::format("namespace {} of {}: there is one already", nsid.value(), nqn_));
  if (snapshot_->namespaces.size() >= kMaxNamespaces)
    return fail(ENOSPC,
                fmt::format("subsystem {}: it has {} namespaces, which is the most", nqn_, kMaxNamespaces));
  auto next = std::make_shared<Snapshot>(*snapshot_);
  const auto place = std::lower_bound(next->namespaces.begin(), next->namespaces.end(), nsid,
                                      [](const auto& other, Nsid id) { return other->nsid < id; });
  next->namespaces.insert(place, std::move(info));
  attachments_[nsid] = std::move(attachment);
  publish(lock, std::move(next), nullptr, {nsid});
  return {};
}

Result<> Subsystem::remove_namespace(Nsid nsid, Done done) {
  std::unique_ptr<Attachment> attachment;  // ends without our lock: its backend may be telling us something
  Pin pin;                                 // outlives the lock: it tells as it goes
  std::unique_lock lock(mutex_);
  if (snapshot_->find(nsid) == nullptr)
    return fail(ENOENT, fmt::format("namespace {} of {}: there is none", nsid.value(), nqn_));
  pin = make_pin(std::move(done));
  auto next = std::make_shared<Snapshot>(*snapshot_);
  std::erase_if(next->namespaces, [nsid](const auto& info) { return info->nsid == nsid; });
  attachment = std::move(attachments_[nsid]);
  attachments_.erase(nsid);
  publish(lock, std::move(next), pin, {nsid});
  return {};
}

void Subsystem::publish_ana(std::unique_lock<std::mutex>& lock, std::shared_ptr<Snapshot> next,
                            const Pin& pin, const std::function<bool(const Controller&)>& concerns) {
  ++next->ana_changes;
  const auto told = controllers_that(concerns);
  publish(lock, std::move(next), pin, {});
  for (const auto& controller : told) controller->ana_changed_from();
}

Result<> Subsystem::set_ana_group(Nsid nsid, AnaGroupId group, Done done) {
  Pin pin;
  std::unique_lock lock(mutex_);
  const NamespaceInfo* before = snapshot_->find(nsid);
  if (before == nullptr)
    return fail(ENOENT, fmt::format("namespace {} of {}: there is none", nsid.value(), nqn_));
  pin = make_pin(std::move(done));
  if (before->ana_group == group) return {};
  auto next = std::make_shared<Snapshot>(*snapshot_);
  change_namespaces(
      *next, [nsid](const NamespaceInfo& info) { return info.nsid == nsid; },
      [group](NamespaceInfo& info) {
        info.ana_group = group;
        ++info.admission;
      });
  publish_ana(lock, std::move(next), pin, [](const Controller&) { return true; });
  return {};
}

void Subsystem::set_ana_states(PortId port, const AnaStates& states, Done done) {
  const Pin pin = make_pin(std::move(done));
  std::unique_lock lock(mutex_);
  const AnaStates& before = snapshot_->ana_of(port);
  if (before == states) return;
  auto next = std::make_shared<Snapshot>(*snapshot_);
  admit_anew(*next, [&](const NamespaceInfo& info) {
    return before.of(info.ana_group) != states.of(info.ana_group);
  });
  std::erase_if(next->ports, [port](const PortAna& each) { return each.port == port; });
  next->ports.push_back({port, std::make_shared<const AnaStates>(states)});
  publish_ana(lock, std::move(next), pin,
              [port](const Controller& controller) { return controller.port() == port; });
}

void Subsystem::geometry_changed(Nsid nsid) {
  if (planted(Bug::stale_size)) return;
  std::unique_lock lock(mutex_);
  const NamespaceInfo* before = snapshot_->find(nsid);
  if (before == nullptr) {
    WEFT_REACHED("target.size_of_removed_namespace");
    return;
  }
  const block::Geometry geometry = before->backend->geometry();
  if (geometry == before->geometry) return;
  auto next = std::make_shared<Snapshot>(*snapshot_);
  change_namespaces(
      *next, [nsid](const NamespaceInfo& info) { return info.nsid == nsid; },
      [&geometry](NamespaceInfo& info) {
        info.geometry = geometry;
        info.read_only = info.read_only || geometry.read_only;
      });
  publish(lock, std::move(next), nullptr, {nsid});
}

// Posts while the lock is held, so that every loop sees the generations in their order.
void Subsystem::publish(std::unique_lock<std::mutex>& lock, std::shared_ptr<Snapshot> next, const Pin& pin,
                        const std::vector<Nsid>& changed) {
  ++next->generation;
  snapshot_ = std::move(next);
  for (std::size_t loop = 0; loop < attached_loops_.size(); ++loop) {
    if (attached_loops_[loop] == 0) continue;
    LoopState& state = target_.state(static_cast<unsigned>(loop));
    post_call(state.loop(), [&state, self = shared_from_this(), snapshot = snapshot_, pin]() mutable {
      state.apply(*self, std::move(snapshot), pin);
    });
  }
  std::vector<std::shared_ptr<Controller>> told;
  if (!changed.empty())
    for (const auto& [id, controller] : controllers_) told.push_back(controller);
  lock.unlock();
  for (const auto& controller : told) controller->namespaces_changed_from(changed);
}

std::shared_ptr<const Snapshot> Subsystem::attach_loop(unsigned loop) {
  const std::scoped_lock lock(mutex_);
  attached_loops_[loop] = 1;
  return snapshot_;
}

void Subsystem::detach_loop(unsigned loop) {
  const std::scoped_lock lock(mutex_);
  attached_loops_[loop] = 0;
}

wire::Status Subsystem::add_controller(const std::shared_ptr<Controller>& controller) {
  const std::scoped_lock lock(mutex_);
  if (going_) {
    WEFT_REACHED("target.host_for_subsystem_that_goes");
    return wire::status::kConnectControllerBusy;
  }
  if (!is_admitted(controller->host().nqn)) {
    WEFT_REACHED("target.host_not_allowed");
    return wire::status::kConnectInvalidHost.with_dnr();
  }
  const SubsystemSettings& settings = snapshot_->settings;
  const std::uint32_t range = settings.cntlid_max - settings.cntlid_min + 1u;
  if (next_cntlid_ < settings.cntlid_min || next_cntlid_ > settings.cntlid_max)
    next_cntlid_ = settings.cntlid_min;
  for (std::uint32_t tries = 0; tries < range; ++tries) {
    const std::uint16_t id = next_cntlid_;
    next_cntlid_ = id == settings.cntlid_max ? settings.cntlid_min : static_cast<std::uint16_t>(id + 1);
    if (controllers_.contains(id)) continue;
    controllers_.emplace(id, controller);
    controller->set_cntlid(Cntlid(id));
    return wire::status::kSuccess;
  }
  WEFT_REACHED("target.no_controller_id_left");
  return wire::status::kConnectControllerBusy;
}

void Subsystem::remove_controller(Cntlid cntlid) {
  std::shared_ptr<Controller> gone;  // freed without the lock
  const std::scoped_lock lock(mutex_);
  if (const auto it = controllers_.find(cntlid.value()); it != controllers_.end()) {
    gone = std::move(it->second);
    controllers_.erase(it);
  }
}

std::shared_ptr<Controller> Subsystem::find_controller(Cntlid cntlid) const {
  const std::scoped_lock lock(mutex_);
  const auto it = controllers_.find(cntlid.value());
  return it == controllers_.end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<Controller>> Subsystem::controllers() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<Controller>> all;
  for (const auto& [id, controller] : controllers_) all.push_back(controller);
  return all;
}

void Subsystem::shut_down(Done done) {
  const Pin pin = make_pin(std::move(done));
  std::map<Nsid, std::unique_ptr<Attachment>> attachments;  // end without the lock
  std::vector<std::shared_ptr<Controller>> all;
  {
    std::unique_lock lock(mutex_);
    going_ = true;
    for (const auto& [id, controller] : controllers_) all.push_back(controller);
    attachments.swap(attachments_);
    auto next = std::make_shared<Snapshot>(*snapshot_);
    next->namespaces.clear();
    publish(lock, std::move(next), pin, {});
  }
  for (const auto& controller : all) controller->end_from(fabric::CloseReason::removed, pin);
}

}  // namespace weft::target
