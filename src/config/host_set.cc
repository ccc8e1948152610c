#include "config/host_set.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "wire/nqn.h"

namespace weft::config {

Result<> HostSet::make(const std::string& nqn) {
  if (const auto flaw = wire::nqn_flaw(nqn); flaw != wire::NqnFlaw::none)
    return fail(EINVAL, fmt::format("host \"{}\": the name {}", nqn, wire::describe(flaw)));
  const std::scoped_lock lock(mutex_);
  Host& host = hosts_[nqn];
  if (host.lists == 0 && !std::exchange(host.is_made, true)) return {};
  return fail(EEXIST, fmt::format("host {}: there is one already", nqn));
}

Result<> HostSet::remove(std::string_view nqn) {
  const std::scoped_lock lock(mutex_);
  const auto it = hosts_.find(nqn);
  if (it == hosts_.end()) return fail(ENOENT, fmt::format("host {}: there is none", nqn));
  if (it->second.lists > 0)
    return fail(EBUSY, fmt::format("{} subsystems list this host in allowed_hosts: remove those links first",
                                   it->second.lists));
  hosts_.erase(it);
  return {};
}

bool HostSet::contains(std::string_view nqn) const {
  const std::scoped_lock lock(mutex_);
  return hosts_.contains(nqn);
}

std::vector<std::string> HostSet::names() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [nqn, host] : hosts_) names.push_back(nqn);
  return names;
}

void HostSet::listed(const std::string& nqn) {
  const std::scoped_lock lock(mutex_);
  ++hosts_[nqn].lists;
}

void HostSet::unlisted(std::string_view nqn) {
  const std::scoped_lock lock(mutex_);
  const auto it = hosts_.find(nqn);
  if (--it->second.lists == 0 && !it->second.is_made) hosts_.erase(it);
}

}  // namespace weft::config
