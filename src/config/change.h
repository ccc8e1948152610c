// One change of the configuration by documents: what stood in the one before and not in the next goes, what
// stands in the next comes or becomes as it says, and all else stays.  Backends are opened, subsystems set
// up, listeners joined last.  One bad item is reported and does not stop the rest.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/model.h"

namespace weft::config {

struct Patience {
  Duration open = std::chrono::seconds(3);   // for backends that open
  Duration close = std::chrono::seconds(3);  // for backends that must make room for others
  Duration sweep = std::chrono::seconds(5);  // between two looks at the sizes of the backends
  // After a start, for what a process that was killed has not let go of yet: the kernel takes down a ring,
  // and with it listeners and files, behind the end of its process.
  Duration predecessor = std::chrono::seconds(5);
};

// On one thread, which is no loop's.  What it refers to outlives it.
class Change {
 public:
  Change(Model& model, const Patience& patience, const Document& before, const Document& next)
      : model_(model), patience_(patience), before_(before), next_(next) {}

  std::vector<Problem> run();  // which the journal has not been told of

 private:
  struct Openings;

  void problem(const std::string& path, const Error& error);

  // Devices.
  bool is_kept(const Device& device) const;
  bool is_dropped(const std::string& device) const;
  void remove_devices();
  void remove_adapters();
  void make_devices(const std::shared_ptr<Openings>& openings);
  std::shared_ptr<Device> make_device(const std::string& name, const DeviceEntry& entry);
  void await(Openings& openings);

  // Subsystems.
  void remove_subsystems();
  void remove_namespaces(Tenant& tenant, const SubsystemEntry* before, const SubsystemEntry& next);
  bool is_kept(const Tenant::NamespaceView& its, const NamespaceEntry& next) const;
  void make_subsystem(const std::string& nqn, const SubsystemEntry* before, const SubsystemEntry& next);
  void set_access(const std::string& nqn, const SubsystemEntry* before, const SubsystemEntry& next);
  void make_namespace(Tenant& tenant, Nsid nsid, const NamespaceEntry& entry);
  Result<> link_namespace(Tenant& tenant, Nsid nsid, const NamespaceEntry& entry);
  void apply_discovery_nqn();
  void apply_referrals();
  void apply_kernel_layout();

  // Ports.
  using Ports = std::map<PortName, PortEntry>;
  void remove_ports();
  void remove_ports(PortSet& ports, const Ports& before, const Ports& next,
                    const std::function<bool(const PortName&)>& concerns);
  void make_all_ports();
  // Those that want to be enabled, by address.
  struct Joining {
    std::vector<std::shared_ptr<PortSet>> sets;  // their owners may be removed meanwhile
    std::vector<Listeners::User> users;
  };
  using Joinings = std::map<PortName, Joining>;
  void make_ports(const std::shared_ptr<PortSet>& ports, const Ports& next, Joinings& joinings);
  static Result<> make_port(const std::shared_ptr<PortSet>& ports, const PortName& name,
                            const PortEntry& entry, Joinings& joinings);
  void join(const Joinings& joinings);

  Model& model_;
  const Patience patience_;
  const Document& before_;
  const Document& next_;
  std::vector<Problem> problems_;
};

}  // namespace weft::config
