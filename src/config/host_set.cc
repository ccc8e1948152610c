#include "config/host_set.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "config/document_rows.h"
#include "wire/nqn.h"

namespace weft::config {

namespace {

std::string row_of(std::string_view nqn) {
  return row_path({"kernel", "nvmet", "hosts", nqn});
}

}  // namespace

Result<> HostSet::make(const std::string& nqn) {
  if (const auto flaw = wire::nqn_flaw(nqn); flaw != wire::NqnFlaw::none)
    return fail(EINVAL, fmt::format("host \"{}\": the name {}", nqn, wire::describe(flaw)));
  const std::scoped_lock lock(mutex_);
  Host& host = hosts_[nqn];
  if (host.lists > 0 || std::exchange(host.is_made, true))
    return fail(EEXIST, fmt::format("host {}: there is one already", nqn));
  store_.put(row_of(nqn), "{}");
  return {};
}

Result<> HostSet::remove(std::string_view nqn) {
  const std::scoped_lock lock(mutex_);
  const auto it = hosts_.find(nqn);
  if (it == hosts_.end()) return fail(ENOENT, fmt::format("host {}: there is none", nqn));
  if (it->second.lists > 0)
    return fail(EBUSY, fmt::format("{} subsystems list this host in allowed_hosts: remove those links first",
                                   it->second.lists));
  hosts_.erase(it);
  store_.erase(row_of(nqn));
  return {};
}

std::set<std::string> HostSet::made() const {
  const std::scoped_lock lock(mutex_);
  std::set<std::string> names;
  for (const auto& [nqn, host] : hosts_)
    if (host.is_made) names.insert(nqn);
  return names;
}

void HostSet::set_made(const std::string& nqn, bool is_made) {
  const std::scoped_lock lock(mutex_);
  Host& host = hosts_[nqn];
  if (std::exchange(host.is_made, is_made) != is_made) {
    if (is_made)
      store_.put(row_of(nqn), "{}");
    else
      store_.erase(row_of(nqn));
    if (!is_made && host.lists > 0) store_.times().put(row_of(nqn));  // it still shows
  }
  if (host.lists == 0 && !is_made) hosts_.erase(nqn);
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
  Host& host = hosts_[nqn];
  if (host.lists++ == 0 && !host.is_made) store_.times().put(row_of(nqn));
}

void HostSet::unlisted(std::string_view nqn) {
  const std::scoped_lock lock(mutex_);
  const auto it = hosts_.find(nqn);
  if (--it->second.lists > 0 || it->second.is_made) return;
  hosts_.erase(it);
  store_.times().erase(row_of(nqn));
}

}  // namespace weft::config
