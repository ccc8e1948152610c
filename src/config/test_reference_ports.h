// What the tree must say of one subsystem's ports at addresses that nobody else has, and of the one port of
// the kernel layout that leads there.
#pragma once

#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace weft::config {

inline std::string joined(const std::set<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : " ") + name;
  return all;
}

using ReferenceGroups = std::map<std::string, std::string>;  // ANA states
struct ReferencePort {
  bool is_enabled = false;
  ReferenceGroups groups = {{"1", "optimized"}};
};
struct ReferenceLink {
  std::string target;  // empty: made in the other layout
  bool is_held = false;
};
struct ReferenceKernelPort {
  std::map<std::string, std::string> words = {{"addr_traddr", ""}, {"addr_trsvcid", ""}, {"addr_trtype", ""}};
  bool listens = true;
  ReferenceGroups groups = {{"1", "optimized"}};
  std::string service;  // of its address, once it has had a link
  std::optional<ReferenceLink> link;
};

class ReferencePorts {
 public:
  bool has_subsystem = false;
  std::string id;  // of the kernel layout's port

  static std::string name(const std::string& service) { return "tcp:127.0.0.1:" + service; }
  bool is_enabled(const std::string& service) const {
    const auto it = ports_.find(service);
    return it != ports_.end() && it->second.is_enabled;
  }
  std::optional<std::string> enabled() const {
    for (const auto& [service, port] : ports_)
      if (port.is_enabled) return service;
    return std::nullopt;
  }
  bool has_any() const { return !ports_.empty(); }
  bool is_in_use() const { return enabled().has_value() || (own_ && is_held(*own_)); }
  // The port goes behind the answer to what removes the link.
  std::optional<std::string> linked_service() const {
    const auto port = kernel_port();
    return port && is_linked(*port) ? std::optional(port->service) : std::nullopt;
  }

  void remove_subsystem() {
    if (own_ && ports_.contains(own_->service)) own_->link.reset();
    ports_.clear();
    has_subsystem = false;
  }

  // --- in the layout for many tenants
  int make(const std::string& service) {
    if (!has_subsystem) return ENOENT;
    return ports_.emplace(service, ReferencePort()).second ? 0 : EEXIST;
  }
  int remove(const std::string& service) {
    if (!ports_.contains(service)) return ENOENT;
    if (own_ && own_->service == service) own_->link.reset();
    ports_.erase(service);
    return 0;
  }
  int enable(const std::string& service, bool on) {
    if (!ports_.contains(service)) return ENOENT;
    ports_[service].is_enabled = on;
    if (!on && own_ && own_->service == service && !is_held(*own_)) own_->link.reset();
    return 0;
  }
  int make_group(const std::string& service, const std::string& group) {
    if (!ports_.contains(service)) return ENOENT;
    return ports_[service].groups.emplace(group, "inaccessible").second ? 0 : EEXIST;
  }
  int remove_group(const std::string& service, const std::string& group) {
    if (!ports_.contains(service) || !ports_[service].groups.contains(group)) return ENOENT;
    if (group == "1") return EBUSY;
    ports_[service].groups.erase(group);
    return 0;
  }
  int set_state(const std::string& service, const std::string& group, const std::string& state) {
    if (!ports_.contains(service) || !ports_[service].groups.contains(group)) return ENOENT;
    ports_[service].groups[group] = state;
    return 0;
  }

  // --- in the kernel layout
  int make_kernel() {
    if (kernel_port()) return EEXIST;
    own_.emplace();
    id_of_.clear();
    return 0;
  }
  int remove_kernel() {
    if (!take()) return ENOENT;
    if (is_linked(*own_)) return ENOTEMPTY;
    ports_.erase(std::exchange(own_, std::nullopt)->service);
    return 0;
  }
  int write_kernel(const std::string& word, const std::string& value) {
    if (!take()) return ENOENT;
    if (is_linked(*own_)) return EACCES;
    if (word == "addr_trtype" && value != "tcp") return EINVAL;
    if (std::exchange(own_->words[word], value) == value || own_->service.empty()) return 0;
    own_->service.clear();
    own_->link.reset();
    id_of_.clear();
    return 0;
  }
  int listen(bool on) {
    if (!take()) return ENOENT;
    own_->listens = on;
    if (!is_linked(*own_)) return 0;
    ReferencePort& port = ports_[own_->service];
    if (on && is_held(*own_)) {
      port.is_enabled = true;
      own_->link->is_held = false;
    } else if (!on && port.is_enabled) {
      if (!own_->link) own_->link.emplace();
      own_->link->is_held = true;
      port.is_enabled = false;
    }
    return 0;
  }
  int link(const std::string& target) {
    const auto present = kernel_port();
    if (!present) return ENOENT;
    if (is_linked(*present)) return EEXIST;
    if (!has_subsystem) return ENOENT;
    take();
    const std::string service = own_->words["addr_trsvcid"];
    if (own_->words["addr_trtype"] != "tcp" || own_->words["addr_traddr"] != "127.0.0.1" || service.empty())
      return EINVAL;
    if (id_of_ != service && (is_enabled(service) || is_enabled(id_of_))) return EADDRINUSE;
    id_of_ = own_->service = service;
    ports_[service].groups = own_->groups;
    ports_[service].is_enabled = own_->listens;
    own_->link = ReferenceLink{target, !own_->listens};
    return 0;
  }
  int unlink() {
    const auto present = kernel_port();
    if (!present || !is_linked(*present)) return ENOENT;
    take();
    own_->link.reset();
    ports_.erase(own_->service);
    return 0;
  }
  int make_kernel_group(const std::string& group) {
    const auto present = kernel_port();
    if (!present) return ENOENT;
    if (present->groups.contains(group)) return EEXIST;
    take();
    own_->groups[group] = "inaccessible";
    if (is_linked(*own_)) ports_[own_->service].groups.emplace(group, "inaccessible");
    return 0;
  }
  int remove_kernel_group(const std::string& group) {
    const auto present = kernel_port();
    if (!present || !present->groups.contains(group)) return ENOENT;
    if (group == "1") return EPERM;
    take();
    own_->groups.erase(group);
    if (is_linked(*own_)) ports_[own_->service].groups.erase(group);
    return 0;
  }
  int set_kernel_state(const std::string& group, const std::string& state) {
    const auto present = kernel_port();
    if (!present || !present->groups.contains(group)) return ENOENT;
    take();
    own_->groups[group] = state;
    if (is_linked(*own_)) ports_[own_->service].groups[group] = state;
    return 0;
  }

  std::map<std::string, std::string> picture(const std::string& nqn) const {
    std::map<std::string, std::string> all;
    if (has_subsystem) show_tenant(all, "nvmet/subsystems/" + nqn + "/ports");
    const std::string path = "kernel/nvmet/ports/" + id;
    const auto port = kernel_port();
    all["is " + path] = port ? "yes" : "no";
    if (!port) return all;
    for (const auto& [word, value] : port->words) all["cat " + path + "/" + word] = value;
    all["cat " + path + "/listen"] = port->listens ? "1" : "0";
    all["ls " + path + "/subsystems"] = is_linked(*port) ? nqn : "";
    if (is_linked(*port))
      all["readlink " + path + "/subsystems/" + nqn] =
          port->link && !port->link->target.empty() ? port->link->target : "../../../subsystems/" + nqn;
    show_groups(all, path, *port);
    return all;
  }

 private:
  bool is_held(const ReferenceKernelPort& port) const {
    return port.link && port.link->is_held && ports_.contains(port.service);
  }
  bool is_linked(const ReferenceKernelPort& port) const { return is_held(port) || is_enabled(port.service); }

  // One that nobody has made in the kernel layout is there as long as its address is used.
  std::optional<ReferenceKernelPort> kernel_port() const {
    if (own_) return own_;
    if (!ports_.contains(id_of_)) return std::nullopt;
    ReferenceKernelPort port;
    port.words = {{"addr_traddr", "127.0.0.1"}, {"addr_trsvcid", id_of_}, {"addr_trtype", "tcp"}};
    port.service = id_of_;
    if (is_enabled(id_of_))
      for (const auto& [group, state] : ports_.at(id_of_).groups) port.groups.emplace(group, state);
    return port;
  }
  bool take() {
    own_ = kernel_port();
    return own_.has_value();
  }

  void show_tenant(std::map<std::string, std::string>& all, const std::string& path) const {
    std::set<std::string> names;
    for (const auto& [service, port] : ports_) {
      const std::string its = path + "/" + name(service);
      names.insert(name(service));
      all["cat " + its + "/enable"] = port.is_enabled ? "1" : "0";
      for (const auto& [group, state] : port.groups)
        all["cat " + its + "/ana_groups/" + group + "/ana_state"] = state;
    }
    all["ls " + path] = joined(names);
  }
  void show_groups(std::map<std::string, std::string>& all, const std::string& path,
                   const ReferenceKernelPort& port) const {
    std::set<std::string> groups;
    for (const auto& [group, own] : port.groups) {
      groups.insert(group);
      std::string state = own;
      if (is_linked(port)) {
        const ReferenceGroups& its = ports_.at(port.service).groups;
        state = its.contains(group) ? its.at(group) : "inaccessible";
      }
      all["cat " + path + "/ana_groups/" + group + "/ana_state"] = state;
    }
    all["ls " + path + "/ana_groups"] = joined(groups);
  }

  std::map<std::string, ReferencePort> ports_;  // by service
  std::optional<ReferenceKernelPort> own_;      // as it was made or changed
  std::string id_of_;                           // the service whose address has the kernel port's id
};

}  // namespace weft::config
