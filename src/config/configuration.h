// The configuration of a process: all backends, subsystems with their hosts, namespaces and ports, and the
// discovery service.  A document is made true by applying the difference: backends are opened, subsystems set
// up, listeners opened last.
//
// One bad item is reported to the journal and does not stop the rest.  A backend that hangs in open holds up
// nobody: it is reported, and its namespaces come when it is there.  No call waits longer than the patience
// for backends, and none runs on a loop.  Each backend and each subsystem has its own lock; no lock covers
// two of them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "config/document.h"
#include "config/model.h"

namespace weft::config {

struct Patience {
  Duration open = std::chrono::seconds(3);   // of apply, for backends that open
  Duration close = std::chrono::seconds(3);  // of apply, for backends that must make room for others
  Duration sweep = std::chrono::seconds(5);  // between two looks at the sizes of the backends
};

// Not on a loop.  Apply and close one at a time; the rest from any thread.
class Configuration {
 public:
  Configuration(Parts parts, Patience patience);
  ~Configuration();  // after close
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  // The number of problems that were reported.  What failed before is tried again.
  std::size_t apply(const Document& next);

  // Looks at the sizes of all backends now, behind the caller's back.
  void refresh();

  Model& model() { return model_; }
  std::vector<std::string> listening() const { return model_.listeners().listening(); }  // tcp:127.0.0.1:4420
  std::vector<std::shared_ptr<block::Backend>> backends() const;  // those that are open
  std::vector<std::string> opening() const;                       // those that are not there yet

  void close_listeners() { model_.listeners().close(); }
  // Takes down all the rest.  False: nothing more has gone for `patience`, and the loops, the plugins and
  // what they use must stay in memory.
  bool close(Duration patience);

 private:
  struct Openings;

  void problem(const std::string& path, const std::string& reason);

  // Devices.
  bool is_kept(const Device& device, const Document& next) const;
  void remove_devices(const Document& next);
  void make_devices(const Document& next, const std::shared_ptr<Openings>& openings);
  std::shared_ptr<Device> make_device(const std::string& name, const DeviceEntry& entry);
  void await(Openings& openings);
  void sweep();

  // Subsystems.
  void remove_subsystems(const Document& next);
  void remove_namespaces(Tenant& tenant, const Document& next, const SubsystemEntry& wanted);
  void make_subsystem(const std::string& nqn, const SubsystemEntry& next);
  void make_namespace(Tenant& tenant, Nsid nsid, const NamespaceEntry& entry);
  void apply_referrals(const Document& next);

  // Ports.
  void remove_ports(const Document& next);
  void remove_ports(PortSet& ports, const std::map<PortName, PortEntry>& wanted,
                    const std::function<bool(const PortName&)>& concerns);
  // Those that want to be enabled, by address.
  struct Joining {
    std::vector<std::shared_ptr<PortSet>> sets;  // their owners may be removed meanwhile
    std::vector<Listeners::User> users;
  };
  using Joinings = std::map<PortName, Joining>;
  void make_ports(const std::shared_ptr<PortSet>& ports, const std::map<PortName, PortEntry>& wanted,
                  Joinings& joinings);
  static Result<> make_port(const std::shared_ptr<PortSet>& ports, const PortName& name,
                            const PortEntry& entry, Joinings& joinings);
  void join(const Joinings& joinings);

  const Parts parts_;
  const Patience patience_;
  Model model_;
  std::size_t problems_ = 0;  // of this apply

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread sweeper_;
};

}  // namespace weft::config
