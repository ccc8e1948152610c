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

void PortIndex::Address::disable(const PortSet& owner, std::string_view nqn) {
  const auto it = enabled.find(nqn);
  if (it == enabled.end()) return;
  it->second.erase(&owner);
  if (it->second.empty()) enabled.erase(it);
}

void PortIndex::removed(const PortName& name, const PortSet& owner) {
  const std::scoped_lock lock(mutex_);
  const auto it = addresses_.find(name);
  if (it == addresses_.end()) return;
  Address& its = it->second;
  if (const auto known = its.owners.find(&owner); known != its.owners.end()) {
    its.disable(owner, known->second);
    its.owners.erase(known);
  }
  if (its.owners.empty()) addresses_.erase(it);
}

void PortIndex::set_enabled(const PortName& name, const PortSet& owner, std::string_view nqn, bool enabled) {
  const std::scoped_lock lock(mutex_);
  if (!enabled) {
    if (const auto it = addresses_.find(name); it != addresses_.end()) it->second.disable(owner, nqn);
    return;
  }
  Address& its = addresses_[name];
  its.owners.insert_or_assign(&owner, std::string(nqn));
  its.enabled[std::string(nqn)].insert(&owner);
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
  return its != nullptr && !its->enabled.empty();
}

bool PortIndex::is_linked(const PortName& name, std::string_view nqn) const {
  const std::scoped_lock lock(mutex_);
  const Address* const its = look_up(name);
  return its != nullptr && its->enabled.contains(nqn);
}

std::vector<std::string> PortIndex::linked(const PortName& name) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> all;
  if (const Address* const its = look_up(name))
    for (const auto& [nqn, owners] : its->enabled)
      if (!nqn.empty()) all.push_back(nqn);
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
