#include "config/port_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <utility>

#include "base/reached.h"
#include "config/document_rows.h"

namespace weft::config {

namespace {

std::unexpected<Error> none(const PortName& name) {
  return fail(ENOENT, fmt::format("port {}: there is none", name.text()));
}

std::unexpected<Error> changing() {
  WEFT_REACHED("config.port_changes_already");
  return fail(EBUSY, "it is being enabled or disabled by somebody else; try again");
}

}  // namespace

PortSet::PortSet(Listeners& listeners, Store& store, std::shared_ptr<target::Subsystem> subsystem)
    : listeners_(listeners), store_(store), subsystem_(std::move(subsystem)) {}

std::string PortSet::path(const PortName& name) const {
  const std::string owner =
      subsystem_ == nullptr ? "nvmet/discovery" : "nvmet/subsystems/" + subsystem_->nqn();
  return owner + "/ports/" + name.text();
}

std::string PortSet::row(const PortName& name) const {
  if (subsystem_ == nullptr) return row_path({"nvmet", "discovery", "ports", name.text()});
  return row_path({"nvmet", "subsystems", subsystem_->nqn(), "ports", name.text()});
}

void PortSet::keep(const PortName& name, const Port& port) {
  if (!is_ending_ && !port.is_going) store_.put(row(name), row_value(port.entry));
}

void PortSet::note_groups(const PortName& name, const Port& port) {
  if (is_ending_ || port.is_going) return;
  store_.times().touch(row(name) + "/ana_groups");
  store_.times().touch(PortIndex::row(name) + "/ana_groups");
}

Listeners::User PortSet::user(const PortName& name, const PortEntry& entry) const {
  Listeners::User its{.path = path(name), .subsystem = subsystem_, .advertise = entry.advertise, .ana = {}};
  for (const auto& [group, state] : entry.ana_groups) its.ana.set(group, state);
  return its;
}

Result<> PortSet::make(const PortName& name) {
  if (auto checked = listeners_.check(name); !checked) return checked;
  const std::scoped_lock lock(mutex_);
  Port port;
  port.entry.enable = false;
  if (!ports_.emplace(name, port).second)
    return fail(EEXIST, fmt::format("port {}: there is one already", name.text()));
  keep(name, port);
  if (!is_ending_) listeners_.index().made(name, *this, nqn());
  return {};
}

std::string_view PortSet::nqn() const {
  return subsystem_ == nullptr ? std::string_view() : subsystem_->nqn();
}

// In one step for the store: a crash must not find it disabled and still there.
Result<> PortSet::remove(const PortName& name, target::Done done) {
  const auto entry = begin_change(name);
  if (!entry) {
    const std::scoped_lock lock(mutex_);
    if (const auto it = ports_.find(name); it != ports_.end() && !is_ending_) {
      it->second.is_going = false;
      listeners_.index().made(name, *this, nqn());
      keep(name, it->second);
    }
    return std::unexpected(entry.error());
  }
  const target::Pin pin = target::make_pin(std::move(done));  // until the port is gone here, too
  if (entry->enable) listeners_.leave(name, user(name, *entry), [pin] {});
  const std::scoped_lock lock(mutex_);
  ports_.erase(name);
  if (!is_ending_) store_.erase(row(name));
  listeners_.index().removed(name, *this);
  return {};
}

void PortSet::begin_remove(const PortName& name) {
  const std::scoped_lock lock(mutex_);
  const auto it = ports_.find(name);
  if (is_ending_ || it == ports_.end()) return;
  it->second.is_going = true;
  store_.erase(row(name));
  store_.times().put(row(name));  // it is shown until it has gone
  listeners_.index().removed(name, *this);
}

Result<> PortSet::change(const PortName& name, const std::function<Result<>(PortEntry&)>& change) {
  const std::scoped_lock lock(mutex_);
  const auto it = ports_.find(name);
  if (it == ports_.end()) return none(name);
  if (it->second.entry.enable || it->second.is_changing)
    return fail(EBUSY, "it cannot change while the port is enabled: write 0 to enable first");
  auto changed = change(it->second.entry);
  keep(name, it->second);
  return changed;
}

Result<PortEntry> PortSet::begin_change(const PortName& name) {
  const std::scoped_lock lock(mutex_);
  const auto it = ports_.find(name);
  if (it == ports_.end()) return none(name);
  if (std::exchange(it->second.is_changing, true)) return changing();
  return it->second.entry;
}

Result<> PortSet::set_ana_groups(const PortName& name, const AnaGroups& groups, target::Done done) {
  return change_ana(
      name,
      [&groups](AnaGroups& into) -> Result<> {
        into = groups;
        return {};
      },
      std::move(done));
}

Result<> PortSet::make_ana_group(const PortName& name, AnaGroupId group) {
  return change_ana(
      name,
      [group](AnaGroups& groups) -> Result<> {
        if (groups.emplace(group, wire::AnaState::inaccessible).second) return {};
        return fail(EEXIST, fmt::format("ANA group {}: there is one already", group.value()));
      },
      nullptr);
}

Result<> PortSet::remove_ana_group(const PortName& name, AnaGroupId group, target::Done done) {
  return change_ana(
      name,
      [group](AnaGroups& groups) -> Result<> {
        if (group == AnaGroupId(1)) return fail(EBUSY, "ANA group 1 is always there");
        if (groups.erase(group) > 0) return {};
        return fail(ENOENT, fmt::format("ANA group {}: there is none", group.value()));
      },
      std::move(done));
}

Result<> PortSet::change_ana_group(const PortName& name, AnaGroupId group,
                                   const std::function<Result<>(wire::AnaState&)>& change,
                                   target::Done done) {
  return change_ana(
      name,
      [&](AnaGroups& groups) -> Result<> {
        const auto it = groups.find(group);
        if (it != groups.end()) return change(it->second);
        return fail(ENOENT, fmt::format("ANA group {}: there is none", group.value()));
      },
      std::move(done));
}

// Under the mutex, so that the last change is the one that holds; the subsystem drains behind.  A port that
// is being enabled is told at its end.
Result<> PortSet::change_ana(const PortName& name, const std::function<Result<>(AnaGroups&)>& change,
                             target::Done done) {
  {
    const std::scoped_lock lock(mutex_);
    const auto it = ports_.find(name);
    if (it == ports_.end()) return none(name);
    AnaGroups& groups = it->second.entry.ana_groups;
    const AnaGroups before = groups;
    if (auto changed = change(groups); !changed) return changed;
    keep(name, it->second);
    if (!std::ranges::equal(before | std::views::keys, groups | std::views::keys))
      note_groups(name, it->second);
    if (it->second.entry.enable && !it->second.is_changing)
      listeners_.set_ana(name, user(name, it->second.entry), std::exchange(done, nullptr));
  }
  if (done) done();
  return {};
}

bool PortSet::end_change(const PortName& name, bool enabled) {
  const std::scoped_lock lock(mutex_);
  if (enabled && is_ending_) return false;
  Port& port = ports_.at(name);
  port.is_changing = false;
  if (std::exchange(port.entry.enable, enabled) != enabled) keep(name, port);
  listeners_.index().set_enabled(name, *this, nqn(), enabled);
  if (enabled) listeners_.set_ana(name, user(name, port.entry), nullptr);
  return true;
}

Result<Listeners::User> PortSet::begin_enable(const PortName& name) {
  const auto entry = begin_change(name);
  if (!entry) return std::unexpected(entry.error());
  if (!entry->enable) return user(name, *entry);
  if (auto kept = end_enable(name, {}); !kept) return std::unexpected(std::move(kept.error()));
  return fail(EALREADY, "it is enabled already");
}

Result<> PortSet::end_enable(const PortName& name, Result<> joined) {
  if (end_change(name, joined.has_value())) return joined;
  WEFT_REACHED("config.port_removed_while_enabled");
  listeners_.leave(name, user(name, {}), nullptr);
  end_change(name, false);
  return fail(ECANCELED, "it is being removed");
}

Result<> PortSet::enable(const PortName& name) {
  const auto user = begin_enable(name);
  if (!user) return user.error().code == EALREADY ? Result<>() : std::unexpected(user.error());
  return end_enable(name, listeners_.join(name, {&*user, 1}).front());
}

Result<> PortSet::disable(const PortName& name, target::Done done) {
  const auto entry = begin_change(name);
  if (!entry) return std::unexpected(entry.error());
  const target::Pin pin = target::make_pin(std::move(done));  // until it may change again
  if (entry->enable) listeners_.leave(name, user(name, *entry), [pin] {});
  end_change(name, false);
  return {};
}

bool PortSet::begin_end() {
  const std::scoped_lock lock(mutex_);
  is_ending_ = true;
  bool listens = false;
  for (const auto& [name, port] : ports_) {
    listeners_.index().removed(name, *this);
    listens = listens || port.entry.enable || port.is_changing;
  }
  return listens;
}

void PortSet::end() {
  for (const auto& [name, entry] : entries()) (void)disable(name, nullptr);
}

std::optional<PortEntry> PortSet::find(const PortName& name) const {
  const std::scoped_lock lock(mutex_);
  const auto it = ports_.find(name);
  return it == ports_.end() ? std::nullopt : std::optional(it->second.entry);
}

std::shared_ptr<LastError> PortSet::last_error(const PortName& name) const {
  const std::scoped_lock lock(mutex_);
  const auto it = ports_.find(name);
  return it == ports_.end() ? nullptr : it->second.last_error;
}

std::map<PortName, PortEntry> PortSet::entries() const {
  const std::scoped_lock lock(mutex_);
  std::map<PortName, PortEntry> all;
  for (const auto& [name, port] : ports_) all.emplace(name, port.entry);
  return all;
}

std::map<PortName, PortEntry> PortSet::kept() const {
  const std::scoped_lock lock(mutex_);
  std::map<PortName, PortEntry> all;
  for (const auto& [name, port] : ports_)
    if (!port.is_going) all.emplace(name, port.entry);
  return all;
}

}  // namespace weft::config
