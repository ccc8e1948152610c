// Who may use a subsystem, its attributes, and how all of it is kept.
#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "config/document_rows.h"
#include "config/tenant.h"
#include "config/told_later.h"

namespace weft::config {

NamespaceLink usual_link(const std::string& device) {
  return {.name = split_device(device).second, .target = "../../../../../target/core/" + device};
}

NamespaceEntry Tenant::Namespace::entry_in_document(Nsid nsid) const {
  NamespaceEntry all = entry;
  if (directory != fmt::to_string(nsid.value())) all.directory = directory;
  all.buffered_io = backing.buffered_io;
  if (entry.device.empty()) {
    all.device_path = backing.device_path;
    return all;
  }
  const NamespaceLink usual = usual_link(entry.device);
  if (link.name != usual.name) all.link_name = link.name;
  if (link.target != usual.target) all.link_target = link.target;
  return all;
}

SubsystemEntry Tenant::entry() const {
  SubsystemEntry all;
  {
    const std::scoped_lock lock(mutex_);
    Access its = access();
    all.attributes = std::move(its.attributes);
    all.hosts = std::move(its.hosts);
    for (const auto& [nsid, each] : namespaces_) all.namespaces.emplace(nsid, each.entry_in_document(nsid));
  }
  all.ports = ports_.kept();
  return all;
}

Tenant::Access Tenant::access() const {
  Access all{.attributes = attributes_of(nqn(), subsystem_->settings()), .hosts = {}};
  for (const auto& host : subsystem_->hosts()) {
    const auto link = host_links_.find(host);
    all.hosts[host].link_target = link == host_links_.end() ? std::string() : link->second;
  }
  return all;
}

Result<> Tenant::change_settings(const std::function<Result<>(target::SubsystemSettings&)>& change) {
  const std::scoped_lock lock(mutex_);
  auto changed = subsystem_->change_settings(change);
  if (changed) keep_settings();
  return changed;
}

Result<> Tenant::add_host(const std::string& hostnqn, const std::string& link) {
  const std::scoped_lock lock(mutex_);
  if (is_forgotten_) return fail(ENOENT, fmt::format("subsystem {}: it is being removed", nqn()));
  if (auto added = subsystem_->add_host(hostnqn); !added) return added;
  commons_.hosts.listed(hostnqn);
  keep_host(hostnqn, {link});
  return {};
}

void Tenant::keep_host(const std::string& hostnqn, const HostEntry& host) {
  if (host.link_target.empty())
    host_links_.erase(hostnqn);
  else
    host_links_[hostnqn] = host.link_target;
  commons_.workshop->store().put(row_path({"nvmet", "subsystems", nqn(), "hosts", hostnqn}), row_value(host));
}

void Tenant::forget_host(const std::string& hostnqn) {
  host_links_.erase(hostnqn);
  commons_.hosts.unlisted(hostnqn);
  erase_row("hosts", hostnqn);
}

std::string Tenant::host_link(const std::string& hostnqn) const {
  const std::scoped_lock lock(mutex_);
  const auto it = host_links_.find(hostnqn);
  return it == host_links_.end() ? std::string() : it->second;
}

Result<> Tenant::remove_host(const std::string& hostnqn, target::Done done) {
  ToldLater told(std::move(done));
  const std::scoped_lock lock(mutex_);
  auto removed = subsystem_->remove_host(hostnqn, told.share());
  if (removed)
    forget_host(hostnqn);
  else
    told.cancel();
  return removed;
}

Result<> Tenant::configure(const std::function<void(Access&)>& change) {
  const std::scoped_lock lock(mutex_);
  if (is_forgotten_) return fail(ENOENT, fmt::format("subsystem {}: it is being removed", nqn()));
  const Access before = access();
  Access next = before;
  change(next);
  const auto settings = settings_of(nqn(), next.attributes);
  if (!settings) return std::unexpected(settings.error());
  std::set<std::string, std::less<>> hosts;
  for (const auto& [nqn, host] : next.hosts) hosts.insert(nqn);
  auto configured = subsystem_->configure(*settings, std::move(hosts));
  if (!configured) return configured;
  for (const auto& [nqn, host] : before.hosts)
    if (!next.hosts.contains(nqn)) forget_host(nqn);
  keep_settings();
  for (const auto& [nqn, host] : next.hosts) {
    const auto its = before.hosts.find(nqn);
    if (its == before.hosts.end()) commons_.hosts.listed(nqn);
    if (its == before.hosts.end() || its->second != host) keep_host(nqn, host);
  }
  return {};
}

void Tenant::keep_settings() {
  if (!is_forgotten_)
    commons_.workshop->store().put(subsystem_row(nqn()),
                                   row_value(attributes_of(nqn(), subsystem_->settings())));
}

void Tenant::keep(Nsid nsid, const Namespace& its) {
  if (!is_forgotten_)
    commons_.workshop->store().put(row(its.directory), row_value(its.entry_in_document(nsid)));
}

void Tenant::keep_link(Nsid nsid, const Namespace& its) {
  keep(nsid, its);
  if (!is_forgotten_) commons_.workshop->store().times().touch(row(its.directory));
}

std::string Tenant::row(std::string_view directory) const {
  return row_path({"nvmet", "subsystems", nqn(), "namespaces", directory});
}

void Tenant::erase_row(std::string_view folder, std::string_view name) {
  if (!is_forgotten_)
    commons_.workshop->store().erase(row_path({"nvmet", "subsystems", nqn(), folder, name}));
}

void Tenant::keep_new() {
  const std::scoped_lock lock(mutex_);
  commons_.workshop->store().erase(subsystem_row(nqn()));
  keep_settings();
}

void Tenant::forget() {
  (void)ports_.begin_end();
  const std::scoped_lock lock(mutex_);
  is_forgotten_ = true;
  commons_.workshop->store().erase(subsystem_row(nqn()));
}

}  // namespace weft::config
