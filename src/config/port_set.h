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

  Result<> make(const PortName& name);    // EEXIST, EINVAL
  Result<> remove(const PortName& name);  // ENOENT, EBUSY; ends its listening, see disable
  // Of what is not its being enabled.  EBUSY while it is.
  Result<> change(const PortName& name, const std::function<Result<>(PortEntry&)>& change);

  // In halves, for those who enable many at once: what to join the port's listener with, and what came of it.
  Result<Listeners::User> begin_enable(const PortName& name);  // EALREADY: it is enabled
  Result<> end_enable(const PortName& name, Result<> joined);

  // Both block while the listener opens or closes; EBUSY when another call is at it.
  Result<> enable(const PortName& name);
  Result<> disable(const PortName& name);
  void forget();  // none is enabled after it, and the store hears no more
  void end();     // likewise, and disables all

  std::optional<PortEntry> find(const PortName& name) const;
  std::map<PortName, PortEntry> entries() const;

 private:
  struct Port {
    PortEntry entry;
    bool is_changing = false;
  };
  Listeners::User user(const PortName& name, const std::string& advertise = "") const;
  // The port, which is nobody else's to change until `end_change`.
  Result<PortEntry> begin_change(const PortName& name);
  bool end_change(const PortName& name, bool enabled);  // false: it must not be enabled any more
  std::string row(const PortName& name) const;
  void keep(const PortName& name, const PortEntry& entry);  // the mutex is held

  Listeners& listeners_;
  Store& store_;
  const std::shared_ptr<target::Subsystem> subsystem_;
  mutable std::mutex mutex_;
  std::map<PortName, Port> ports_;
  bool is_ending_ = false;
};

}  // namespace weft::config
