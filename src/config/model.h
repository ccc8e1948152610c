// All objects of the configuration, by name.  What makes, finds and removes them; the tree, documents and the
// store speak to it.  Each backend and each subsystem has its own lock; what is shared here is held for a
// lookup and nothing else.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "block/plugin.h"
#include "config/device.h"
#include "config/goings_on.h"
#include "config/journal.h"
#include "config/kernel_ports.h"
#include "config/listeners.h"
#include "config/names.h"
#include "config/port_set.h"
#include "config/referral_set.h"
#include "config/sharded_map.h"
#include "config/state_store.h"
#include "config/store.h"
#include "config/tenant.h"
#include "config/workshop.h"
#include "fabric/fabric.h"
#include "target/target.h"

namespace weft::config {

// All of them outlive the configuration.
struct Parts {
  target::Target& target;
  std::span<const block::Plugin> plugins;
  std::span<fabric::Transport* const> transports;
  StateStore& state;
  Store& store;
  Journal& journal;
};

// target/core/<plugin>_<N>: a directory of devices of one kind.
class Adapter {
 public:
  Adapter(std::string name, const block::Plugin& plugin, Store& store)
      : name_(std::move(name)), plugin_(plugin), store_(store) {}

  const std::string& name() const { return name_; }
  const block::Plugin& plugin() const { return plugin_; }

  std::shared_ptr<Device> find(std::string_view device) const;
  std::vector<std::string> names() const;
  std::vector<std::shared_ptr<Device>> all() const;
  Result<> insert(const std::string& device,
                  std::shared_ptr<Device> object);  // EEXIST, ENOENT: the adapter is gone
  void erase(std::string_view device);
  Result<> end();  // ENOTEMPTY; nothing can be inserted after it
  void keep_new();

 private:
  std::string row() const;

  const std::string name_;
  const block::Plugin& plugin_;
  Store& store_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Device>, std::less<>> devices_;
  bool is_gone_ = false;
};

// Any thread but a loop's.
class Model {
 public:
  explicit Model(const Parts& parts);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const Parts& parts() const { return parts_; }
  const std::shared_ptr<Workshop>& workshop() const { return workshop_; }
  Listeners& listeners() { return listeners_; }
  const Listeners& listeners() const { return listeners_; }

  // --- backends.  A device's name is <plugin>_<N>/<device>.
  Result<> make_adapter(const std::string& name);    // EEXIST, EINVAL
  Result<> remove_adapter(const std::string& name);  // ENOENT, ENOTEMPTY
  std::shared_ptr<Adapter> find_adapter(std::string_view name) const { return adapters_.find(name); }
  std::vector<std::shared_ptr<Adapter>> adapters() const { return adapters_.all(); }
  Result<std::shared_ptr<Device>> make_device(const std::string& name);  // EEXIST, EINVAL, ENOENT: no adapter
  // See Device::remove.
  Result<> remove_device(const std::string& name, std::move_only_function<void()> closed);
  std::shared_ptr<Device> find_device(std::string_view name) const;
  std::vector<std::shared_ptr<Device>> devices() const;

  // --- subsystems
  Result<std::shared_ptr<Tenant>> make_subsystem(const std::string& nqn);  // EEXIST, EINVAL
  // The name is free when this returns.  `done` when no command admitted before can touch a backend.
  Result<> remove_subsystem(const std::string& nqn, target::Done done);
  std::shared_ptr<Tenant> find_subsystem(std::string_view nqn) const { return tenants_.find(nqn); }
  std::vector<std::shared_ptr<Tenant>> subsystems() const { return tenants_.all(); }

  // What goes on behind removals that have been answered.
  std::vector<GoingsOn::One> goings_on() const { return workshop_->goings_on->all(); }

  // --- the kernel layout
  HostSet& hosts() { return hosts_; }
  KernelPorts& kernel_ports() { return kernel_ports_; }

  // --- the discovery service
  PortSet& discovery_ports() { return discovery_ports_; }
  ReferralSet& referrals() { return referrals_; }
  Result<> set_discovery_nqn(const std::string& nqn);  // see target::Target

  // --- all of it as a document, or what one tenant is: its subsystem and the devices that it shows.  Changes
  // that come meanwhile are there or not, each by itself.
  Document document() const;
  std::optional<Document> document_of(std::string_view nqn) const;

 private:
  const Parts parts_;
  const std::shared_ptr<Workshop> workshop_;
  Listeners listeners_;
  HostSet hosts_;
  std::mutex discovery_nqn_mutex_;  // what is in force is what the store heard last
  ShardedMap<Adapter> adapters_;
  ShardedMap<Tenant> tenants_;
  PortSet discovery_ports_;
  ReferralSet referrals_;
  KernelPorts kernel_ports_;
};

}  // namespace weft::config
