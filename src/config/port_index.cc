#include "config/port_index.h"

#include <algorithm>
#include <utility>

#include "config/document_rows.h"

namespace weft::config {

bool PortIndex::Address::has_subsystem() const {
  return std::ranges::any_of(owners, [](const auto& owner) { return !owner.second.empty(); });
}

std::string PortIndex::row(const PortName& name) {
  return row_path({"kernel", "nvmet", "ports", name.text()});
}

void PortIndex::note_link(const PortName& name, std::string_view nqn, bool is_there) {
  if (nqn.empty()) return;
  const std::string link = row(name) + "/" + row_path({"subsystems", nqn});
  if (is_there)
    times_.put(link);
  else
    times_.erase(link);
}

void PortIndex::add_owner(const PortName& name, Address& its, const PortSet& owner, std::string_view nqn) {
  const bool was_there = its.has_subsystem();
  its.owners.insert_or_assign(&owner, std::string(nqn));
  if (!was_there && its.has_subsystem()) times_.put(row(name));
}

void PortIndex::made(const PortName& name, const PortSet& owner, std::string_view nqn) {
  const std::scoped_lock lock(mutex_);
  add_owner(name, addresses_[name], owner, nqn);
}

bool PortIndex::Address::disable(const PortSet& owner, std::string_view nqn) {
  const auto it = enabled.find(nqn);
  if (it == enabled.end() || it->second.erase(&owner) == 0 || !it->second.empty()) return false;
  enabled.erase(it);
  return true;
}

void PortIndex::removed(const PortName& name, const PortSet& owner) {
  const std::scoped_lock lock(mutex_);
  const auto it = addresses_.find(name);
  if (it == addresses_.end()) return;
  Address& its = it->second;
  const auto known = its.owners.find(&owner);
  if (known == its.owners.end()) return;
  const std::string nqn = std::exchange(known->second, {});
  its.owners.erase(known);
  if (its.disable(owner, nqn)) note_link(name, nqn, false);
  if (!nqn.empty() && !its.has_subsystem()) times_.erase(row(name));
  if (its.owners.empty()) addresses_.erase(it);
}

void PortIndex::set_enabled(const PortName& name, const PortSet& owner, std::string_view nqn, bool enabled) {
  const std::scoped_lock lock(mutex_);
  if (!enabled) {
    const auto it = addresses_.find(name);
    if (it != addresses_.end() && it->second.disable(owner, nqn)) note_link(name, nqn, false);
    return;
  }
  Address& its = addresses_[name];
  add_owner(name, its, owner, nqn);
  auto& sets = its.enabled[std::string(nqn)];
  if (sets.empty()) note_link(name, nqn, true);
  sets.insert(&owner);
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
