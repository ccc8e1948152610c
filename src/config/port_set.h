// The ports of one subsystem, or of the discovery service: ports/<trtype>:<traddr>:<trsvcid>/.  Its lock is
// its owner's own, and is not held while a listener opens or closes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/document.h"
#include "config/last_error.h"
#include "config/listeners.h"
#include "config/store.h"

namespace weft::config {

// Any thread but a loop's.
class PortSet {
 public:
  // The listeners and the store outlive it.  No subsystem means the discovery service.
  PortSet(Listeners& listeners, Store& store, std::shared_ptr<target::Subsystem> subsystem);
  PortSet(const PortSet&) = delete;
  PortSet& operator=(const PortSet&) = delete;

  std::string path(const PortName& name) const;

  Result<> make(const PortName& name);  // EEXIST, EINVAL
  // ENOENT, EBUSY; ends its listening, see disable.
  Result<> remove(const PortName& name, target::Done done);
  // Its first half, for those who remove behind an answer: neither the store nor the index has it any more.
  void begin_remove(const PortName& name);
  // Of what is not its being enabled.  EBUSY while it is.
  Result<> change(const PortName& name, const std::function<Result<>(PortEntry&)>& change);

  // ANA groups: at any time.  `done` when no command that was admitted before can touch a backend.
  Result<> set_ana_groups(const PortName& name, const AnaGroups& groups, target::Done done);
  Result<> make_ana_group(const PortName& name, AnaGroupId group);                       // EEXIST
  Result<> remove_ana_group(const PortName& name, AnaGroupId group, target::Done done);  // ENOENT, EBUSY
  Result<> change_ana_group(const PortName& name, AnaGroupId group,
                            const std::function<Result<>(wire::AnaState&)>& change, target::Done done);

  // In halves, for those who enable many at once: what to join the port's listener with, and what came of it.
  Result<Listeners::User> begin_enable(const PortName& name);  // EALREADY: it is enabled
  Result<> end_enable(const PortName& name, Result<> joined);

  // Both block while the listener opens or closes; EBUSY when another call is at it.
  Result<> enable(const PortName& name);
  // Ends the controllers that came by it.  `done` when no command that they admitted can touch a backend.
  Result<> disable(const PortName& name, target::Done done);
  // None is enabled after it, and the store hears no more; true: there is something to disable.
  bool begin_end();
  void end();  // disables all, after begin_end

  std::optional<PortEntry> find(const PortName& name) const;
  std::shared_ptr<LastError> last_error(const PortName& name) const;  // null: there is no such port
  std::map<PortName, PortEntry> entries() const;
  std::map<PortName, PortEntry> kept() const;  // without those whose removal goes on behind

 private:
  struct Port {
    PortEntry entry;
    bool is_changing = false;
    bool is_going = false;  // the store has forgotten it
    std::shared_ptr<LastError> last_error = std::make_shared<LastError>();
  };
  std::string_view nqn() const;  // empty: the discovery service
  Listeners::User user(const PortName& name, const PortEntry& entry) const;
  Result<> change_ana(const PortName& name, const std::function<Result<>(AnaGroups&)>& change,
                      target::Done done);
  // The port, which is nobody else's to change until `end_change`.
  Result<PortEntry> begin_change(const PortName& name);
  bool end_change(const PortName& name, bool enabled);  // false: it must not be enabled any more
  std::string row(const PortName& name) const;
  // The mutex is held.
  void keep(const PortName& name, const Port& port);
  void note_groups(const PortName& name, const Port& port);  // one has come or gone

  Listeners& listeners_;
  Store& store_;
  const std::shared_ptr<target::Subsystem> subsystem_;
  mutable std::mutex mutex_;
  std::map<PortName, Port> ports_;
  bool is_ending_ = false;
};

}  // namespace weft::config
