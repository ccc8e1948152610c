// The listeners of a process, by address.  Subsystems whose ports have the equal address share one: it opens
// with the first and closes with the last of them.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "config/port_index.h"
#include "config/port_name.h"
#include "config/workshop.h"
#include "fabric/fabric.h"
#include "target/target.h"

namespace weft::config {

// Any thread but a loop's.
class Listeners {
 public:
  // The target and the transports outlive it.
  Listeners(target::Target& target, std::span<fabric::Transport* const> transports, Workshop& workshop);
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // EINVAL: there is no such transport or address, or it must be written otherwise, which the error names.  A
  // known transport that is not here is refused when something joins: EOPNOTSUPP.
  Result<> check(const PortName& name) const;

  // How the address is written: EINVAL as above, but for the spelling.
  Result<PortName> canonical(const PortName& name) const;

  PortIndex& index() { return index_; }

  // Who uses a listener.
  struct User {
    std::string path;                              // of the port, for people
    std::shared_ptr<target::Subsystem> subsystem;  // null: the discovery service
    std::string advertise;                         // ADDRESS:SERVICE, or empty
    target::AnaStates ana;
  };
  // Blocks while the listener opens or closes.  For each user: EBUSY when another has other wishes for it, or
  // what listening fails with.  A host that comes at once finds them all.
  std::vector<Result<>> join(const PortName& name, std::span<const User> users);
  // Ends the controllers that came by it.  Blocks for a turn of each loop when it is the last.  `done` when
  // no command that they admitted can touch a backend.
  void leave(const PortName& name, const User& user, target::Done done);
  // How groups are reached by it, while it is used; see target::Subsystem::set_ana_states.
  void set_ana(const PortName& name, const User& user, target::Done done);

  std::vector<std::string> listening() const;  // tcp:127.0.0.1:4420
  // All stop accepting, and none begins any more; their users stay.
  void close();

 private:
  struct Entry {
    std::mutex mutex;      // of this address alone
    bool is_gone = false;  // not in the map any more: look it up again
    std::vector<User> users;
    std::shared_ptr<target::Port> port;
    std::unique_ptr<fabric::Listener> listener;
  };
  fabric::Transport* find_transport(const std::string& trtype) const;
  std::unexpected<Error> no_transport(int code, const std::string& trtype) const;
  std::shared_ptr<Entry> find_or_make(const PortName& name);
  std::map<PortName, std::shared_ptr<Entry>> all() const;
  // The entry's mutex is held.
  void forget_unused(Entry& entry, const PortName& name);
  Result<> add(Entry& entry, const PortName& name, const User& user);
  void take_out(Entry& entry, const User& user, target::Done done);
  Result<> make_port(Entry& entry, const PortName& name, const User& user);
  Result<> listen(Entry& entry, const PortName& name);
  void close(Entry& entry, const std::string& path);

  target::Target& target_;
  const std::span<fabric::Transport* const> transports_;
  Workshop& workshop_;
  PortIndex index_;
  mutable std::mutex mutex_;  // for finding an entry; never held while one opens or closes
  std::map<PortName, std::shared_ptr<Entry>> entries_;
  std::atomic<bool> is_closed_ = false;
};

}  // namespace weft::config
