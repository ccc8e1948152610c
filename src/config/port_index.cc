#include "config/port_index.h"

#include <algorithm>
#include <utility>

namespace weft::config {

bool PortIndex::Address::has_subsystem() const {
  return std::ranges::any_of(owners, [](const auto& owner) { return !owner.second.empty(); });
}

void PortIndex::made(const PortName& name, const PortSet& owner, std::string_view nqn) {
  const std::scoped_lock lock(mutex_);
  addresses_[name].owners.insert_or_assign(&owner, std::string(nqn));
}

void PortIndex::removed(const PortName& name, const PortSet& owner) {
  const std::scoped_lock lock(mutex_);
  const auto it = addresses_.find(name);
  if (it == addresses_.end()) return;
  Address& its = it->second;
  std::erase_if(its.subsystems, [&owner](const auto& each) { return each.second == &owner; });
  if (its.discovery == &owner) its.discovery = nullptr;
  its.owners.erase(&owner);
  if (its.owners.empty()) addresses_.erase(it);
}

void PortIndex::set_enabled(const PortName& name, const PortSet& owner, std::string_view nqn, bool enabled) {
  const std::scoped_lock lock(mutex_);
  if (!enabled && !addresses_.contains(name)) return;
  Address& its = addresses_[name];
  if (enabled) its.owners.insert_or_assign(&owner, std::string(nqn));
  if (nqn.empty()) {
    its.discovery = enabled ? &owner : nullptr;
    return;
  }
  if (enabled) {
    its.subsystems.insert_or_assign(std::string(nqn), &owner);
    return;
  }
  // A successor of the name may be there already.
  const auto mine = its.subsystems.find(nqn);
  if (mine != its.subsystems.end() && mine->second == &owner) its.subsystems.erase(mine);
}

const PortIndex::Address* PortIndex::look_up(const PortName& name) const {
  const auto it = addresses_.find(name);
  return it == addresses_.end() ? nullptr : &it->second;
}

bool PortIndex::has(const PortName& name) const {
  const std::scoped_lock lock(mutex_);
  const Address* const its = look_up(name);
  return its != nullptr && its->has_subsystem();
}

bool PortIndex::is_listening(const PortName& name) const {
  const std::scoped_lock lock(mutex_);
  const Address* const its = look_up(name);
  return its != nullptr && (its->discovery != nullptr || !its->subsystems.empty());
}

bool PortIndex::is_linked(const PortName& name, std::string_view nqn) const {
  const std::scoped_lock lock(mutex_);
  const Address* const its = look_up(name);
  return its != nullptr && its->subsystems.contains(nqn);
}

std::vector<std::string> PortIndex::linked(const PortName& name) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> all;
  if (const Address* const its = look_up(name))
    for (const auto& [nqn, owner] : its->subsystems) all.push_back(nqn);
  return all;
}

std::vector<PortName> PortIndex::names() const {
  const std::scoped_lock lock(mutex_);
  std::vector<PortName> all;
  for (const auto& [name, its] : addresses_)
    if (its.has_subsystem()) all.push_back(name);
  return all;
}

}  // namespace weft::config
