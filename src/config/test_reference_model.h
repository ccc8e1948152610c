// What the tree must say of objects that one caller has for himself, whatever others do: the errno of each
// change, and all that both layouts then show.  One subsystem with its hosts and namespaces, two devices, and
// the ports of test_reference_ports.h.
#pragma once

#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "config/device_path.h"
#include "config/tenant.h"
#include "config/test_reference_ports.h"

namespace weft::config {

inline std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}
inline std::string last_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

struct ReferenceDevice {
  std::string how;
  std::string alias;
  bool is_open = false;
  bool has_failed = false;
};
struct ReferenceNamespaceLink {
  std::string name;
  std::string target;
  std::string device;  // <plugin>_<N>/<device>; one of its own that the namespace's path made: empty
};
struct ReferenceNamespace {
  std::string directory;
  std::string device_path;
  std::string buffered = "0";
  std::string group = "1";
  std::optional<ReferenceNamespaceLink> link;
};

class ReferenceModel {
 public:
  explicit ReferenceModel(std::string nqn) : nqn_(std::move(nqn)) {}
  const std::string& nqn() const { return nqn_; }
  const std::map<int, ReferenceNamespace>& namespaces() const { return namespaces_; }
  bool has_subsystem() const { return ports.has_subsystem; }
  bool lists(const std::string& host) const { return hosts_.contains(host); }
  bool admits(const std::string& host) const { return any_host_ == "1" || lists(host); }

  ReferencePorts ports;

  // --- devices, by <plugin>_<N>/<device>
  int make_adapter(const std::string& name) { return adapters_.insert(name).second ? 0 : EEXIST; }
  int remove_adapter(const std::string& name) {
    if (!adapters_.contains(name)) return ENOENT;
    for (const auto& [device, its] : devices_)
      if (parent_of(device) == name) return ENOTEMPTY;
    adapters_.erase(name);
    return 0;
  }
  int make_device(const std::string& name) {
    if (!adapters_.contains(parent_of(name))) return ENOENT;
    return devices_.emplace(name, ReferenceDevice()).second ? 0 : EEXIST;
  }
  int remove_device(const std::string& name) {
    if (!devices_.contains(name)) return ENOENT;
    for (const auto& [nsid, its] : namespaces_)
      if (its.link && its.link->device == name) return EBUSY;
    devices_.erase(name);
    return 0;
  }
  int set_how(const std::string& name, const std::string& how) {
    if (!devices_.contains(name)) return ENOENT;
    if (devices_[name].is_open) return EBUSY;
    devices_[name].how = how;
    return 0;
  }
  int set_alias(const std::string& name, const std::string& alias) {
    if (!devices_.contains(name)) return ENOENT;
    devices_[name].alias = alias;
    return 0;
  }
  int enable_device(const std::string& name) {
    if (!devices_.contains(name)) return ENOENT;
    ReferenceDevice& its = devices_[name];
    if (its.is_open) return EEXIST;
    its.is_open = its.how != "fail";
    its.has_failed = its.has_failed || !its.is_open;
    return its.is_open ? 0 : EIO;
  }

  // --- the subsystem
  int make_subsystem() {
    if (std::exchange(ports.has_subsystem, true)) return EEXIST;
    any_host_ = "0";
    model_ = "Weft";
    return 0;
  }
  int remove_subsystem(bool kernel) {
    if (!has_subsystem()) return ENOENT;
    const std::size_t inside = hosts_.size() + namespaces_.size();
    if (inside > 0 || (!kernel && ports.has_any())) return ENOTEMPTY;
    if (kernel && ports.is_in_use()) return EBUSY;
    ports.remove_subsystem();
    return 0;
  }
  int set_model(const std::string& model) {
    if (!has_subsystem()) return ENOENT;
    model_ = model;
    return 0;
  }
  int set_any_host(const std::string& value) {
    if (!has_subsystem()) return ENOENT;
    if (value == "1" && !hosts_.empty()) return EINVAL;
    any_host_ = value;
    return 0;
  }

  // --- hosts
  int make_kernel_host(const std::string& host) {
    if (hosts_.contains(host)) return EEXIST;
    return made_hosts_.insert(host).second ? 0 : EEXIST;
  }
  int remove_kernel_host(const std::string& host) {
    if (hosts_.contains(host)) return EBUSY;
    return made_hosts_.erase(host) > 0 ? 0 : ENOENT;
  }
  // `link` is that of the kernel layout, as it is written; empty in the other.
  int add_host(const std::string& host, const std::string& link) {
    if (!has_subsystem()) return ENOENT;
    if (hosts_.contains(host)) return EEXIST;
    if (!link.empty() && !made_hosts_.contains(host)) return ENOENT;
    if (any_host_ == "1") return EINVAL;
    hosts_[host] = link;
    return 0;
  }
  int remove_host(const std::string& host) { return has_subsystem() && hosts_.erase(host) > 0 ? 0 : ENOENT; }

  // --- namespaces
  int make_namespace(int nsid, const std::string& directory) {
    if (!has_subsystem()) return ENOENT;
    return namespaces_.try_emplace(nsid, ReferenceNamespace{.directory = directory}).second ? 0 : EEXIST;
  }
  int remove_namespace(int nsid, bool kernel, const std::string& directory) {
    ReferenceNamespace* const its = find(nsid);
    if (its == nullptr || (!kernel && its->directory != directory)) return ENOENT;
    if (!kernel && its->link) return ENOTEMPTY;
    namespaces_.erase(nsid);
    return 0;
  }
  int set_group(int nsid, const std::string& group) {
    if (find(nsid) == nullptr) return ENOENT;
    if (group == "0") return EINVAL;
    find(nsid)->group = group;
    return 0;
  }
  int set_device_path(int nsid, const std::string& path) {
    if (find(nsid) == nullptr) return ENOENT;
    if (path == "neither") return EINVAL;
    if (find(nsid)->link) return EBUSY;
    find(nsid)->device_path = path;
    return 0;
  }
  int set_buffered(int nsid, const std::string& value) {
    if (find(nsid) == nullptr) return ENOENT;
    if (find(nsid)->link) return EINVAL;
    find(nsid)->buffered = value;
    return 0;
  }
  int link(int nsid, const std::string& device, const std::string& name, const std::string& target) {
    ReferenceNamespace* const its = find(nsid);
    if (its == nullptr) return ENOENT;
    if (its->link && its->link->name == name) return EEXIST;
    if (!devices_.contains(device)) return ENOENT;
    if (its->link) return EEXIST;
    if (const int error = closed_error(device)) return error;
    its->link = ReferenceNamespaceLink{name, target, device};
    its->device_path = "core/" + device;
    return 0;
  }
  int unlink(int nsid, const std::string& name) {
    ReferenceNamespace* const its = find(nsid);
    if (its == nullptr || !its->link || its->link->name != name) return ENOENT;
    its->link.reset();
    return 0;
  }
  int enable_namespace(int nsid) {
    ReferenceNamespace* const its = find(nsid);
    if (its == nullptr) return ENOENT;
    const std::string& path = its->device_path;
    if (its->link) return 0;
    if (path.empty()) return EINVAL;
    std::string device = path.substr(path.find('/') + 1);
    if (path.starts_with("core/")) {
      if (!devices_.contains(device)) return ENOENT;
      if (const int error = closed_error(device)) return error;
      its->link = ReferenceNamespaceLink{last_name(device), usual_link(device).target, device};
      return 0;
    }
    if (path.ends_with(".none")) return ENOENT;
    if (path.ends_with(".fail")) return EIO;
    const std::string own = own_device_name(nqn_, Nsid(static_cast<std::uint32_t>(nsid)), path);
    its->link = ReferenceNamespaceLink{own, usual_link("mem_0/" + own).target, ""};
    return 0;
  }
  int disable_namespace(int nsid) {
    if (find(nsid) == nullptr) return ENOENT;
    find(nsid)->link.reset();
    return 0;
  }

  // All of it by path; what the path begins with says how it is looked at: ls, cat, readlink, or whether it
  // is there.
  std::map<std::string, std::string> picture() const {
    std::map<std::string, std::string> all = ports.picture(nqn_);
    const std::string tenant = "nvmet/subsystems/" + nqn_;
    for (const auto& name : adapters_) all["is target/core/" + name] = "yes";
    for (const auto& [name, its] : devices_) {
      all["cat target/core/" + name + "/alias"] = its.alias;
      all["cat target/core/" + name + "/enable"] = its.is_open ? "1" : "0";
    }
    for (const char* root : {"", "kernel/"}) {
      all["is " + (root + tenant)] = has_subsystem() ? "yes" : "no";
      if (!has_subsystem()) continue;
      all["cat " + (root + tenant) + "/attr_model"] = model_;
      all["cat " + (root + tenant) + "/attr_allow_any_host"] = any_host_;
    }
    if (!has_subsystem()) return all;
    std::set<std::string> directories, numbers, hosts;
    for (const auto& [host, link] : hosts_) {
      hosts.insert(host);
      all["readlink kernel/" + tenant + "/allowed_hosts/" + host] =
          link.empty() ? "../../../hosts/" + host : link;
    }
    for (const auto& [nsid, its] : namespaces_) {
      directories.insert(its.directory);
      numbers.insert(std::to_string(nsid));
      show(all, tenant, std::to_string(nsid), its);
    }
    all["ls " + tenant + "/hosts"] = all["ls kernel/" + tenant + "/allowed_hosts"] = joined(hosts);
    all["ls " + tenant + "/namespaces"] = joined(directories);
    all["ls kernel/" + tenant + "/namespaces"] = joined(numbers);
    return all;
  }

 private:
  ReferenceNamespace* find(int nsid) {
    const auto it = namespaces_.find(nsid);
    return it == namespaces_.end() ? nullptr : &it->second;
  }
  int closed_error(const std::string& device) const {
    const ReferenceDevice& its = devices_.at(device);
    if (its.is_open) return 0;
    return its.has_failed ? ENODEV : EINVAL;
  }
  static void show(std::map<std::string, std::string>& all, const std::string& tenant,
                   const std::string& number, const ReferenceNamespace& its) {
    const std::string here = tenant + "/namespaces/" + its.directory;
    const std::string there = "kernel/" + tenant + "/namespaces/" + number;
    all["cat " + here + "/ana_grpid"] = all["cat " + there + "/ana_grpid"] = its.group;
    all["cat " + there + "/device_path"] = its.device_path;
    all["cat " + there + "/buffered_io"] = its.buffered;
    all["cat " + there + "/enable"] = its.link ? "1" : "0";
    all["ls " + here] = its.link ? its.link->name : "";
    if (its.link) all["readlink " + here + "/" + its.link->name] = its.link->target;
  }

  const std::string nqn_;
  std::set<std::string> adapters_ = {"mem_0"};  // that all share
  std::map<std::string, ReferenceDevice> devices_;
  std::string any_host_ = "0";
  std::string model_;
  std::set<std::string> made_hosts_;
  std::map<std::string, std::string> hosts_;  // with the kernel layout's links
  std::map<int, ReferenceNamespace> namespaces_;
};

}  // namespace weft::config
