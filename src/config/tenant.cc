#include "config/tenant.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/reached.h"
#include "config/device_path.h"
#include "config/names.h"
#include "config/told_later.h"

namespace weft::config {

// One namespace's interest in its device.  The tenant may go before the device has opened.
class Tenant::User final : public DeviceUser {
 public:
  User(const std::shared_ptr<Tenant>& tenant, Nsid id) : nsid(id), path_(tenant->path(id)), tenant_(tenant) {}
  void device_opened(std::shared_ptr<block::Backend> backend) override {
    if (const auto tenant = tenant_.lock()) tenant->device_opened(*this, std::move(backend));
  }
  std::string path() const override { return path_; }
  const Nsid nsid;

 private:
  const std::string path_;
  const std::weak_ptr<Tenant> tenant_;
};

Tenant::Tenant(Commons commons, std::shared_ptr<target::Subsystem> subsystem)
    : commons_(std::move(commons)),
      subsystem_(std::move(subsystem)),
      ports_(commons_.listeners, workshop()->store(), subsystem_) {}

std::string Tenant::path(Nsid nsid) const {
  return fmt::format("{}/namespaces/{}", path(), nsid.value());
}

std::unexpected<Error> Tenant::no_namespace(Nsid nsid) const {
  return fail(ENOENT, fmt::format("namespace {} of {}: there is none", nsid.value(), nqn()));
}

Result<> Tenant::make_namespace(Nsid nsid, const std::string& directory) {
  if (nsid.value() == 0 || nsid.value() == 0xFFFFFFFF)
    return fail(EINVAL, fmt::format("namespace {}: an nsid is from 1 to 4294967294", nsid.value()));
  const std::scoped_lock lock(mutex_);
  if (has_ended_) {
    WEFT_REACHED("config.namespace_for_subsystem_that_goes");
    return fail(ENOENT, fmt::format("subsystem {}: it is being removed", nqn()));
  }
  if (namespaces_.contains(nsid))
    return fail(EEXIST, fmt::format("namespace {} of {}: there is one already", nsid.value(), nqn()));
  if (namespaces_.size() >= target::kMaxNamespaces)
    return fail(ENOSPC,
                fmt::format("{} has {} namespaces, which is the most", nqn(), target::kMaxNamespaces));
  namespaces_[nsid].directory = directory;
  keep(nsid, namespaces_[nsid]);
  return {};
}

Result<> Tenant::remove_namespace(Nsid nsid, target::Done done) {
  ToldLater told(std::move(done));
  auto detached = detach(nsid, told);
  auto erased = detached ? erase_namespace(nsid) : std::unexpected(std::move(detached.error()));
  if (!erased) told.cancel();
  return erased;
}

Result<> Tenant::erase_namespace(Nsid nsid) {
  const std::scoped_lock lock(mutex_);
  const auto it = namespaces_.find(nsid);
  if (it == namespaces_.end()) return no_namespace(nsid);
  if (it->second.device != nullptr) {
    WEFT_REACHED("config.linked_again_while_removed");
    return fail(EBUSY, "it was linked again meanwhile");
  }
  erase_row("namespaces", it->second.directory);
  namespaces_.erase(it);
  return {};
}

Result<> Tenant::change_namespace(Nsid nsid, Mutability what,
                                  const std::function<Result<>(NamespaceEntry&)>& change, target::Done done) {
  std::unique_lock lock(mutex_);
  const auto it = namespaces_.find(nsid);
  if (it == namespaces_.end()) return no_namespace(nsid);
  if (it->second.device != nullptr && what != Mutability::live)
    return fail(EBUSY, "it cannot change while the namespace is linked to a device: remove the link first");
  if (auto changed = change(it->second.entry); !changed) return changed;
  keep(nsid, it->second);
  if (it->second.is_live) return subsystem_->set_ana_group(nsid, it->second.entry.ana_group, std::move(done));
  lock.unlock();
  if (done) done();
  return {};
}

Result<> Tenant::change_backing(Nsid nsid, const std::function<Result<>(Backing&)>& change) {
  const std::scoped_lock lock(mutex_);
  const auto it = namespaces_.find(nsid);
  if (it == namespaces_.end()) return no_namespace(nsid);
  if (it->second.device != nullptr)
    return fail(EBUSY, "it cannot change while the namespace is enabled: write 0 to enable first");
  auto changed = change(it->second.backing);
  keep(nsid, it->second);
  return changed;
}

Result<> Tenant::link(Nsid nsid, NamespaceLink link, const std::shared_ptr<Device>& device,
                      Device::WhenClosed when_closed) {
  const std::scoped_lock lock(mutex_);
  const auto it = namespaces_.find(nsid);
  if (it == namespaces_.end()) return no_namespace(nsid);
  if (auto named = check_name(link.name); !named) return named;
  Namespace& its = it->second;
  if (its.device != nullptr)
    return fail(EEXIST, fmt::format("it shows {} already: remove that link first", its.device->path()));
  auto user = std::make_shared<User>(shared_from_this(), nsid);
  auto backend = device->add_user(user, when_closed);
  if (!backend) return std::unexpected(std::move(backend.error()));
  its.user = std::move(user);
  if (*backend != nullptr) {
    if (auto attached = attach(nsid, its, std::move(*backend)); !attached) {
      WEFT_REACHED("config.link_refused_by_target");
      device->remove_user(*its.user);
      its.user.reset();
      return attached;
    }
  }
  its.device = device;
  its.link = std::move(link);
  its.entry.device = device->name();
  its.backing.device_path = device_path_of(*device, nqn(), nsid);
  keep_link(nsid, its);
  return {};
}

Result<> Tenant::attach(Nsid nsid, Namespace& its, std::shared_ptr<block::Backend> backend) {
  if (its.is_live) return {};
  auto added = subsystem_->add_namespace(nsid, {.backend = std::move(backend),
                                                .uuid = its.entry.uuid,
                                                .nguid = its.entry.nguid,
                                                .ana_group = its.entry.ana_group,
                                                .read_only = its.entry.read_only});
  its.is_live = added.has_value();
  return added;
}

void Tenant::device_opened(const User& user, std::shared_ptr<block::Backend> backend) {
  Result<> attached;
  {
    const std::scoped_lock lock(mutex_);
    const auto it = namespaces_.find(user.nsid);
    if (it == namespaces_.end() || it->second.user.get() != &user) {
      WEFT_REACHED("config.unlinked_while_device_opened");
      return;  // unlinked meanwhile
    }
    attached = attach(user.nsid, it->second, std::move(backend));
  }
  if (!attached) {
    WEFT_REACHED("config.opened_device_refused_by_target");
    commons_.workshop->journal().problem(user.path(), attached.error().message);
  }
}

Result<> Tenant::unlink(Nsid nsid, target::Done done) {
  ToldLater told(std::move(done));
  auto detached = detach(nsid, told);
  if (detached && !*detached)
    detached = fail(ENOENT, fmt::format("namespace {} of {}: it has no link", nsid.value(), nqn()));
  if (!detached) told.cancel();
  return detached ? Result<>() : std::unexpected(std::move(detached.error()));
}

// False: there was no link.
Result<bool> Tenant::detach(Nsid nsid, const ToldLater& told) {
  std::shared_ptr<Device> device;
  std::shared_ptr<User> user;
  bool is_own = false;
  {
    const std::scoped_lock lock(mutex_);
    const auto it = namespaces_.find(nsid);
    if (it == namespaces_.end()) return no_namespace(nsid);
    Namespace& its = it->second;
    if (its.device == nullptr) return false;
    is_own = is_own_device(*its.device, nqn(), nsid);
    if (its.is_live)
      if (auto removed = subsystem_->remove_namespace(nsid, told.share()); !removed)
        return std::unexpected(std::move(removed.error()));
    device = std::exchange(its.device, nullptr);
    user = std::exchange(its.user, nullptr);
    its.link = {};
    its.entry.device.clear();
    its.is_live = false;
    keep_link(nsid, its);  // before the device may go
  }
  device->remove_user(*user);
  // It stays when another namespace shows it.
  if (is_own) (void)commons_.remove_device(device->name(), told.share());
  return true;
}

std::optional<Tenant::NamespaceView> Tenant::find_namespace(Nsid nsid) const {
  const std::scoped_lock lock(mutex_);
  const auto it = namespaces_.find(nsid);
  return it == namespaces_.end() ? std::nullopt : std::optional(it->second.view());
}

std::map<Nsid, Tenant::NamespaceView> Tenant::namespaces() const {
  const std::scoped_lock lock(mutex_);
  std::map<Nsid, NamespaceView> all;
  for (const auto& [nsid, its] : namespaces_) all.emplace(nsid, its.view());
  return all;
}

void Tenant::end() {
  // Listeners close behind: who removes the subsystem waits for none of them.
  if (ports_.begin_end()) commons_.workshop->workers.run([self = shared_from_this()] { self->ports_.end(); });
  std::map<Nsid, Namespace> gone;
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(has_ended_, true)) return;
    gone.swap(namespaces_);
    for (const auto& host : subsystem_->hosts()) commons_.hosts.unlisted(host);
  }
  for (const auto& [nsid, its] : gone) {
    if (its.device == nullptr) continue;
    its.device->remove_user(*its.user);
    if (is_own_device(*its.device, nqn(), nsid)) (void)commons_.remove_device(its.device->name(), [] {});
  }
}

}  // namespace weft::config
