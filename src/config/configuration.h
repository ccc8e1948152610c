// What a document asks for, made true on a target: backends are opened, subsystems, namespaces, hosts and
// ports set up, listeners opened last.  Another document later applies the difference.
//
// One bad item is reported to the journal and does not stop the rest.  A backend that hangs in open holds up
// nobody: it is reported, and its namespaces come when it is there.  No call waits longer than the patience
// for backends, and none runs on a loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "block/plugin.h"
#include "config/backend_keeper.h"
#include "config/crew.h"
#include "config/document.h"
#include "config/journal.h"
#include "config/state_store.h"
#include "fabric/fabric.h"
#include "target/target.h"

namespace weft::config {

// All of them outlive the configuration.
struct Parts {
  target::Target& target;
  std::span<const block::Plugin> plugins;
  std::span<fabric::Transport* const> transports;
  StateStore& state;
  Journal& journal;
};

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

  std::vector<std::string> listening() const;                     // tcp:127.0.0.1:4420
  std::vector<std::shared_ptr<block::Backend>> backends() const;  // those that are open
  std::vector<std::string> opening() const;                       // those that are not there yet

  void close_listeners();
  // Takes down all the rest.  False: nothing more has gone for `patience`, and the loops, the plugins and
  // what they use must stay in memory.
  bool close(Duration patience);

 private:
  struct Device {
    enum class State { opening, open, failed };
    std::string name;
    DeviceEntry entry;
    State state = State::opening;
    std::shared_ptr<block::Backend> backend;
    bool refreshing = false;
    std::string last_refresh_error;
  };
  struct Shared {  // with what is still running elsewhere when the configuration has gone
    std::mutex mutex;
    std::condition_variable changed;
    Configuration* owner = nullptr;
  };
  struct Subsystem {
    SubsystemEntry applied;
    std::shared_ptr<target::Subsystem> object;
    std::set<Nsid> live;  // namespaces whose device is open
  };
  struct WantedPort {
    bool discovery = false;
    std::string advertise;
    std::set<std::string> subsystems;
    std::vector<std::string> paths;  // where the document asks for it
    bool operator==(const WantedPort&) const = default;
  };
  struct Port {
    WantedPort wanted;
    std::shared_ptr<target::Port> object;
    std::unique_ptr<fabric::Listener> listener;
  };
  using Ports = std::map<PortName, WantedPort>;
  using Lock = std::unique_lock<std::mutex>;

  void problem(const std::string& path, const std::string& reason);

  // Devices.
  const block::Plugin* find_plugin(const std::string& device) const;
  void remove_devices(const Document& next);
  std::vector<std::shared_ptr<Device>> open_devices(const Document& next);
  bool check_device(const std::string& name, const DeviceEntry& entry, const std::string& path);
  void open_device(const std::shared_ptr<Device>& device, const block::Plugin& plugin);
  void opened(Device& device, Result<std::shared_ptr<block::Backend>> result);  // the mutex is held
  void await_devices(const std::vector<std::shared_ptr<Device>>& devices);
  void detach_device(const std::string& name);                 // the mutex is held
  void refresh_device(const std::shared_ptr<Device>& device);  // the mutex is held
  void sweep();

  // Subsystems.
  void remove_subsystems(const Document& next);
  void apply_subsystem(const std::string& nqn, const SubsystemEntry& next);
  void apply_access(Subsystem& subsystem, const SubsystemEntry& next, const std::string& path);
  void remove_namespaces(Subsystem& subsystem, const SubsystemEntry& next);
  void attach(Subsystem& subsystem, Nsid nsid, const NamespaceEntry& entry);  // the mutex is held
  void attach_all();
  void apply_referrals(const Document& next);

  // Ports.
  Ports wanted_ports(const Document& next);
  bool check_port(const PortName& name, const std::string& path);
  void want(Ports& ports, const PortName& name, const PortEntry& entry, const std::string& nqn);
  fabric::Transport* find_transport(const std::string& trtype) const;
  void remove_ports(const Ports& wanted);
  void apply_port(const PortName& name, const WantedPort& wanted);
  Result<Port> open_port(const PortName& name, const WantedPort& wanted);

  const Parts parts_;
  const Patience patience_;
  std::size_t problems_ = 0;  // of this apply, under the mutex
  const std::shared_ptr<Shared> shared_;
  BackendKeeper keeper_;
  Crew openers_;
  Crew refreshers_;

  // Under shared_->mutex.
  std::map<std::string, std::shared_ptr<Device>> devices_;
  std::map<std::string, Subsystem> subsystems_;
  std::map<PortName, Port> ports_;
  std::map<std::string, ReferralEntry> referrals_;
  bool ending_ = false;

  std::thread sweeper_;
};

}  // namespace weft::config
