// Ports as Linux nvmet knows them: a number, an address, and the subsystems that are reached by it.  A link
// is a port of that subsystem in the multi-tenant layout, enabled: whoever makes or enables one there makes a
// link here, at the port whose number is the address' id (StateStore::port_id).
//
// What Linux does not have: a port that does not `listen` keeps its links, and opens for all of them at once
// when it is told to.  So a restore can open last, and a configuration for other machines can be kept here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "config/change_times.h"
#include "config/document.h"
#include "config/last_error.h"
#include "config/strands.h"
#include "config/tree.h"

namespace weft::config {

class Model;
class Tenant;

// EINVAL: an address needs more, or other, than that.
Result<PortName> port_name_of(const KernelPortEntry& entry);

// Any thread but a loop's.  Its lock is held for lookups and nothing else; links of one address open and
// close in the order in which they were asked for, behind the callers' backs.
class KernelPorts {
 public:
  explicit KernelPorts(Model& model);  // whose part it is
  KernelPorts(const KernelPorts&) = delete;
  KernelPorts& operator=(const KernelPorts&) = delete;

  static std::string path(PortId id);  // kernel/nvmet/ports/<id>

  std::vector<PortId> all() const;
  std::optional<KernelPortEntry> find(PortId id) const;
  std::shared_ptr<LastError> last_error(PortId id) const;
  std::string row(PortId id) const;  // what the change times know it by: itself, or its address
  // When the other layout changed its links last.
  ChangeTimes::Time links_changed(PortId id) const;

  Result<> make(PortId id);    // EEXIST
  Result<> remove(PortId id);  // ENOENT; ENOTEMPTY: it has links
  // Of addr_ and param_.  EACCES while it has links.
  Result<> change(PortId id, const std::function<Result<>(KernelPortEntry&)>& change);

  // Answers with what listening gives.  EINVAL: the address is none; EADDRINUSE: another port has it;
  // EOPNOTSUPP: the transport is not here.  `target` is the link's, as it was written.
  void link(PortId id, const std::string& nqn, const std::string& target, Answer answer);
  Result<> unlink(PortId id, const std::string& nqn);  // closes and drains behind
  std::vector<std::string> links(PortId id) const;     // sorted
  std::optional<std::string> link_target(PortId id, const std::string& nqn) const;

  // The subsystem's port at this address is removed in the other layout.
  void forget_link(const PortName& name, const std::string& nqn);
  // It is disabled there: a link that a port which does not listen holds stays.
  void forget_open_link(const PortName& name, const std::string& nqn);

  bool holds(const std::string& nqn) const;  // a port that does not listen links the subsystem

  // Opens for all links at once, or closes and keeps them.
  void set_listen(PortId id, bool on, Answer answer);

  Result<> make_ana_group(PortId id, AnaGroupId group);    // EEXIST
  Result<> remove_ana_group(PortId id, AnaGroupId group);  // ENOENT, EPERM: the first
  // Answers when no command that was admitted before can touch a backend.
  void set_ana_state(PortId id, AnaGroupId group, wire::AnaState state, Answer answer);
  // Empty: the subsystems that it links differ.  ENOENT: there is no such group.
  Result<std::optional<wire::AnaState>> ana_state(PortId id, AnaGroupId group) const;

  // --- as documents have them: what was made or changed here
  std::map<PortId, KernelPort> entries() const;
  // In place of what is there.  Opens nothing: that is for the subsystems' own ports.
  Result<> restore(PortId id, const KernelPort& port);
  void forget(PortId id);  // what its address has in the other layout stays

 private:
  // What was made or changed here.
  struct Port : KernelPort {
    std::optional<PortName> name;  // its address, once it has had a link
    std::size_t beginning = 0;     // links that are being made
  };
  using PortPointer = std::shared_ptr<Port>;
  // The mutex is held.
  PortPointer own(PortId id) const;
  PortPointer own(PortId id, const PortName& name) const;  // null: it has another address
  std::vector<std::string> links(const Port& port) const;
  bool is_held(const Port& port, const std::string& nqn) const;
  bool is_linked(const Port& port, const std::string& nqn) const;
  std::optional<PortName> address_of(PortId id) const;   // of one that nobody has made here
  KernelPortEntry entry_at(const PortName& name) const;  // likewise
  Result<PortPointer> look_up(PortId id);                // makes it one's own
  // In the store; the mutex is held.
  void keep(PortId id, const Port& port);
  void keep_ana(PortId id, const Port& port);  // its groups
  void keep_link(PortId id, const Port& port, const std::string& nqn);
  void drop_link(PortId id, Port& port, const std::string& nqn);
  void drop_links(PortId id, Port& port);
  void drop(PortId id);
  void note_links(PortId id);  // one has gone
  Result<> check_params(const Port& port, const std::string& nqn) const;

  // On the address' strand.
  Result<> open_link(PortId id, const PortPointer& port, const PortName& name,
                     const std::shared_ptr<Tenant>& tenant);
  Result<> claim(PortId id, const PortName& name);
  void reserve(PortId id);  // keeps the number of a port that has no address from being given to another
  Result<> apply_params(const KernelPortEntry& entry, Tenant& tenant) const;
  Result<> open_held(PortId id, const PortPointer& port, const PortName& name);
  void close_linked(PortId id, const PortPointer& port, const PortName& name, Answer answer);
  void for_each_linked(const std::vector<std::string>& nqns, const std::function<void(Tenant&)>& act) const;

  Model& model_;
  Strands strands_;
  mutable std::mutex mutex_;
  std::map<PortId, PortPointer> ports_;
  mutable std::map<PortId, std::shared_ptr<LastError>> last_errors_;
};

}  // namespace weft::config
