// A subsystem in the configuration, with its hosts, namespaces and ports.  Its lock is its own; it is not
// held while a backend opens, commands drain, or a listener opens or closes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/attribute.h"
#include "base/result.h"
#include "config/device.h"
#include "config/document.h"
#include "config/host_set.h"
#include "config/port_set.h"
#include "target/target.h"

namespace weft::config {

// The link inside a namespace's directory, as it was made.
struct NamespaceLink {
  std::string name;
  std::string target;
};

// What all tenants have in common.  It outlives them.
struct Commons {
  std::shared_ptr<Workshop> workshop;
  Listeners& listeners;
  HostSet& hosts;
  // See Model::remove_device.
  std::function<Result<>(const std::string& device, std::move_only_function<void()> closed)> remove_device;
};

// Any thread but a loop's.
class Tenant : public std::enable_shared_from_this<Tenant> {
 public:
  Tenant(Commons commons, std::shared_ptr<target::Subsystem> subsystem);

  const std::string& nqn() const { return subsystem_->nqn(); }
  std::string path() const { return "nvmet/subsystems/" + nqn(); }
  std::string path(Nsid nsid) const;
  const std::shared_ptr<target::Subsystem>& subsystem() const { return subsystem_; }
  PortSet& ports() { return ports_; }
  const std::shared_ptr<Workshop>& workshop() const { return commons_.workshop; }
  const std::shared_ptr<LastError>& last_error() const { return last_error_; }

  // Attributes and the whole list of hosts at once; see target::Subsystem::configure.
  Result<> configure(const std::map<std::string, std::string>& attributes,
                     const std::set<std::string>& hosts);

  // See target::Subsystem.  `link` is the target of the kernel layout's link, as it was written; else empty.
  Result<> add_host(const std::string& hostnqn, const std::string& link = "");
  Result<> remove_host(const std::string& hostnqn, target::Done done);
  std::string host_link(const std::string& hostnqn) const;

  // `directory` is how the namespace was named: 1 or ns_1.
  Result<> make_namespace(Nsid nsid, const std::string& directory);  // EEXIST, ENOSPC
  // With its link.  `done` when no command admitted before can touch the backend.
  Result<> remove_namespace(Nsid nsid, target::Done done);
  // What hosts see of it.  Locked: EBUSY while it is linked; live: the ANA group alone, and `done` when no
  // command that was admitted before can touch the backend.
  Result<> change_namespace(Nsid nsid, Mutability what,
                            const std::function<Result<>(NamespaceEntry&)>& change, target::Done done);

  // Shows the device to hosts: now, or as soon as it is open.  EINVAL: it is not enabled; EEXIST: there is a
  // link.
  Result<> link(Nsid nsid, NamespaceLink link, const std::shared_ptr<Device>& device);
  // A backend that goes with the namespace (config/device_path.h) goes too; then `done` is called when it is
  // closed.
  Result<> unlink(Nsid nsid, target::Done done);

  // What the kernel layout links it to.  EBUSY while it is linked.
  struct Backing {
    std::string device_path;  // with a link that of the device
    bool buffered_io = false;
  };
  Result<> change_backing(Nsid nsid, const std::function<Result<>(Backing&)>& change);

  struct NamespaceView {
    std::string directory;
    NamespaceEntry entry;  // the device's name is empty without a link
    NamespaceLink link;
    std::shared_ptr<Device> device;
    Backing backing;
  };
  std::optional<NamespaceView> find_namespace(Nsid nsid) const;
  std::map<Nsid, NamespaceView> namespaces() const;

  // Lets go of all devices and ports; the target has shut the subsystem down.
  void end();

 private:
  class User;
  struct Namespace {
    std::string directory;
    NamespaceEntry entry;
    NamespaceLink link;
    std::shared_ptr<Device> device;
    Backing backing;
    std::shared_ptr<User> user;
    bool is_live = false;

    NamespaceView view() const { return {directory, entry, link, device, backing}; }
  };

  void forget_host(const std::string& hostnqn, bool keep_link);  // the hosts' mutex is held
  Result<bool> detach(Nsid nsid, target::Done& done);
  Result<> attach(Nsid nsid, Namespace& its, std::shared_ptr<block::Backend> backend);  // the mutex is held
  void device_opened(const User& user, std::shared_ptr<block::Backend> backend);
  std::unexpected<Error> no_namespace(Nsid nsid) const;

  const Commons commons_;
  const std::shared_ptr<target::Subsystem> subsystem_;
  PortSet ports_;
  mutable std::mutex hosts_mutex_;  // of the list of hosts
  std::map<std::string, std::string> host_links_;
  bool lists_hosts_ = true;
  mutable std::mutex mutex_;
  std::map<Nsid, Namespace> namespaces_;
  bool has_ended_ = false;
  const std::shared_ptr<LastError> last_error_ = std::make_shared<LastError>();
};

}  // namespace weft::config
