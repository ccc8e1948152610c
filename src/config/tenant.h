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
  bool operator==(const NamespaceLink&) const = default;
};
NamespaceLink usual_link(const std::string& device);  // what a document means when it does not say

class ToldLater;

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
  std::string row(std::string_view directory) const;  // the store's, of the namespace that is named so
  const std::shared_ptr<target::Subsystem>& subsystem() const { return subsystem_; }
  PortSet& ports() { return ports_; }
  const PortSet& ports() const { return ports_; }
  const std::shared_ptr<Workshop>& workshop() const { return commons_.workshop; }
  const std::shared_ptr<LastError>& last_error() const { return last_error_; }

  SubsystemEntry entry() const;  // all of it, as a document has it

  // As of target::Subsystem, and kept in the store.  `link` is the target of the kernel layout's link, as it
  // was written; else empty.
  Result<> change_settings(const std::function<Result<>(target::SubsystemSettings&)>& change);
  Result<> add_host(const std::string& hostnqn, const std::string& link = "");
  Result<> remove_host(const std::string& hostnqn, target::Done done);
  std::string host_link(const std::string& hostnqn) const;
  // Attributes that differ from their default and the whole list of hosts at once.
  struct Access {
    std::map<std::string, std::string> attributes;
    std::map<std::string, HostEntry> hosts;
  };
  Result<> configure(const std::function<void(Access&)>& change);

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
  Result<> link(Nsid nsid, NamespaceLink link, const std::shared_ptr<Device>& device,
                Device::WhenClosed when_closed = Device::WhenClosed::refuse);
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
    std::shared_ptr<LastError> last_error;
  };
  std::optional<NamespaceView> find_namespace(Nsid nsid) const;
  std::map<Nsid, NamespaceView> namespaces() const;

  // Puts it into the store, in place of what may have been left there of its name.
  void keep_new();
  // Takes it out of the store with all below it; the store hears no more of it.
  void forget();
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
    std::shared_ptr<LastError> last_error = std::make_shared<LastError>();

    NamespaceView view() const { return {directory, entry, link, device, backing, last_error}; }
    NamespaceEntry entry_in_document(Nsid nsid) const;
  };

  Result<> erase_namespace(Nsid nsid);
  Result<bool> detach(Nsid nsid, const ToldLater& told);
  Result<> attach(Nsid nsid, Namespace& its, std::shared_ptr<block::Backend> backend);  // the mutex is held
  void device_opened(const User& user, std::shared_ptr<block::Backend> backend);
  std::unexpected<Error> no_namespace(Nsid nsid) const;
  // The mutex is held.
  Access access() const;
  void keep_settings();
  void keep_host(const std::string& hostnqn, const HostEntry& host);
  void forget_host(const std::string& hostnqn);
  void keep(Nsid nsid, const Namespace& its);
  void keep_link(Nsid nsid, const Namespace& its);
  void erase_row(std::string_view folder, std::string_view name);

  const Commons commons_;
  const std::shared_ptr<target::Subsystem> subsystem_;
  PortSet ports_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> host_links_;  // where they are written
  std::map<Nsid, Namespace> namespaces_;
  bool is_forgotten_ = false;
  bool has_ended_ = false;
  const std::shared_ptr<LastError> last_error_ = std::make_shared<LastError>();
};

}  // namespace weft::config
