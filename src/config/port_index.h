// Which subsystems have a port at an address, and which of them have it enabled: what the kernel layout asks,
// where a port is an address and not a tenant's own.  Port sets tell it.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/change_times.h"
#include "config/port_name.h"

namespace weft::config {

class PortSet;

// Any thread.  Its lock is held for a lookup and nothing else.
class PortIndex {
 public:
  explicit PortIndex(ChangeTimes& times) : times_(times) {}  // which outlive it
  static std::string row(const PortName& name);              // what they know an address by

  // The discovery service's set has no NQN: it makes an address listen, and nothing more.
  void made(const PortName& name, const PortSet& owner, std::string_view nqn);
  void removed(const PortName& name, const PortSet& owner);
  void set_enabled(const PortName& name, const PortSet& owner, std::string_view nqn, bool enabled);

  bool has(const PortName& name) const;                              // a subsystem has it, enabled or not
  bool is_listening(const PortName& name) const;                     // somebody has it enabled
  bool is_linked(const PortName& name, std::string_view nqn) const;  // the subsystem has it enabled
  std::vector<std::string> linked(const PortName& name) const;       // NQNs, sorted
  std::vector<PortName> names() const;                               // those that it has

 private:
  struct Address {
    std::map<const PortSet*, std::string> owners;  // with their NQNs
    // Who has it enabled, by NQN: a subsystem that goes and its successor may both be there.
    std::map<std::string, std::set<const PortSet*>, std::less<>> enabled;
    bool has_subsystem() const;
    bool disable(const PortSet& owner, std::string_view nqn);  // true: nobody has it enabled for this NQN now
  };
  const Address* look_up(const PortName& name) const;  // the mutex is held
  void add_owner(const PortName& name, Address& its, const PortSet& owner, std::string_view nqn);
  void note_link(const PortName& name, std::string_view nqn, bool is_there);

  ChangeTimes& times_;
  mutable std::mutex mutex_;
  std::map<PortName, Address> addresses_;
};

}  // namespace weft::config
