// One of many callers at once.  What he has for himself he compares with the reference model after each
// change; about a few names he fights with all others.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "block/stats.h"
#include "config/state_store.h"
#include "config/test_host_desk.h"
#include "config/test_reference_model.h"
#include "config/test_tree_calls.h"

namespace weft::config {

// What all actors have in common.
struct Stage {
  Tree& tree;
  TestLoops& loops;
  target::Target& target;
  HostDesk& desk;
  std::string folder;  // of files; those that end in .fail do not open, those in .none are not there
  std::function<std::shared_ptr<block::StatsBackend>(const std::string& device)> find_backend;
};

class Actor final : public TreeCalls {
 public:
  Actor(Stage& stage, unsigned number, std::uint64_t seed)
      : stage_(stage), number_(number), dice_(seed + number), model_(fmt::format("s{}", number)) {
    model_.ports.id = std::to_string(1000 + number);
    devices_ = {fmt::format("mem_{}/a", number + 1), fmt::format("mem_0/own{}", number)};
    hosts_ = {fmt::format("g{}", number), fmt::format("h{}", number)};
    services_ = {std::to_string(5000 + 2 * number), std::to_string(5001 + 2 * number)};
  }

  // Until something is not as it must be.
  void play(int steps) {
    for (int i = 0; i < steps && failure_.empty(); ++i) {
      if (one_of(3) == 0)
        fight();
      else
        own_step();
    }
    stage_.desk.ask([this] { host_.reset(); });
  }

  const std::string& failure() const { return failure_; }
  std::uint64_t calls() const { return calls_.load(); }
  std::uint64_t successes() const { return successes_; }  // of changes of his own
  std::string doing() const {
    const std::scoped_lock lock(mutex_);
    return fmt::format("actor {}: {}", number_, said_.empty() ? "" : said_.back());
  }

 protected:
  Tree& tree() override { return stage_.tree; }
  int change(const std::function<void(Answer)>& start) override {
    std::promise<Result<>> promise;
    start([&promise](Result<> result) { promise.set_value(std::move(result)); });
    const Result<> result = promise.get_future().get();
    ++calls_;
    return result ? 0 : result.error().code;
  }

 private:
  // --- what he has for himself
  void own_step() {
    const std::string device = any(devices_);
    // Most of the rest needs it.
    if (!model_.has_subsystem() && one_of(2) == 0)
      return expect("mkdir", "nvmet/subsystems/" + model_.nqn(), "", model_.make_subsystem());
    switch (one_of(4)) {
      case 0:
        own_device_step(device);
        break;
      case 1:
        own_namespace_step(device);
        break;
      case 2:
        one_of(2) == 0 ? own_port_step(any(services_)) : own_kernel_port_step();
        break;
      default:
        one_of(4) == 0 ? meet_host() : own_subsystem_step(any(hosts_));
    }
    if (failure_.empty()) compare();
  }

  void own_device_step(const std::string& device) {
    const std::string adapter = parent_of(devices_[0]);
    const std::string path = "target/core/" + device;
    const std::string how = any(std::vector<std::string>{"good", "slow", "broken", "fail"});
    switch (one_of(9)) {
      case 0:
        return expect("mkdir", "target/core/" + adapter, "", model_.make_adapter(adapter));
      case 1:
        return expect("rmdir", "target/core/" + adapter, "", model_.remove_adapter(adapter));
      case 2:
      case 3:
        return expect("mkdir", path, "", model_.make_device(device));
      case 4:
        return expect("rmdir", path, "", model_.remove_device(device));
      case 5:
        return expect("echo", path + "/control", "how=" + how, model_.set_how(device, how));
      case 6:
        return expect("echo", path + "/alias", how, model_.set_alias(device, how));
      default:
        return expect("echo", path + "/enable", "1", model_.enable_device(device));
    }
  }

  void own_subsystem_step(const std::string& host) {
    const bool kernel = one_of(2) == 0;
    const std::string tenant = "nvmet/subsystems/" + model_.nqn();
    const std::string path = (kernel ? "kernel/" : "") + tenant;
    const std::string value = any(std::vector<std::string>{"0", "1"});
    switch (one_of(9)) {
      case 0:
      case 1:
        return expect("mkdir", path, "", model_.make_subsystem());
      case 2:
        return expect("rmdir", path, "", model_.remove_subsystem(kernel));
      case 3:
        return expect("echo", path + "/attr_model", "M" + value, model_.set_model("M" + value));
      case 4:
        return expect("echo", path + "/attr_allow_any_host", value, model_.set_any_host(value));
      case 5:
        return expect("mkdir", "kernel/nvmet/hosts/" + host, "", model_.make_kernel_host(host));
      case 6:
        return expect("rmdir", "kernel/nvmet/hosts/" + host, "", model_.remove_kernel_host(host));
      case 7: {
        const std::string link = "/x/hosts/" + host;
        if (kernel) return expect("ln", path + "/allowed_hosts/" + host, link, model_.add_host(host, link));
        return expect("mkdir", path + "/hosts/" + host, "", model_.add_host(host, ""));
      }
      default: {
        if (kernel) return expect("rm", path + "/allowed_hosts/" + host, "", model_.remove_host(host));
        const bool ends = host == hosts_[0] && model_.lists(host);
        expect("rmdir", path + "/hosts/" + host, "", model_.remove_host(host));
        if (ends) expect_drained(devices_);
      }
    }
  }

  void own_namespace_step(const std::string& device) {
    const int nsid = 1 + static_cast<int>(one_of(2));
    const std::string number = std::to_string(nsid);
    const auto& all = model_.namespaces();
    const auto present = all.find(nsid);
    const std::string directory = present == all.end() || one_of(8) == 0
                                      ? (one_of(2) == 0 ? "ns_" : "") + number
                                      : present->second.directory;
    const std::string here = "nvmet/subsystems/" + model_.nqn() + "/namespaces/" + directory;
    const std::string there = "kernel/nvmet/subsystems/" + model_.nqn() + "/namespaces/" + number;
    const std::string group = any(std::vector<std::string>{"0", "1", "2", "3"});
    const std::string file = stage_.folder + any(std::vector<std::string>{"/a", "/b", "/a.fail", "/a.none"});
    const std::string path = any(std::vector<std::string>{file, "core/" + device, "neither"});
    const bool is_named = present != all.end() && present->second.directory == directory;
    switch (one_of(12)) {
      case 0:
        return expect("mkdir", here, "", model_.make_namespace(nsid, directory));
      case 1:
        return expect("mkdir", there, "", model_.make_namespace(nsid, number));
      case 2:
        return expect("rmdir", here, "", model_.remove_namespace(nsid, false, directory));
      case 3:
        expect("rmdir", there, "", model_.remove_namespace(nsid, true, number));
        return wait_until_drained(unlinked());
      case 4:
        return expect("echo", there + "/ana_grpid", group, model_.set_group(nsid, group));
      case 5:
        return expect("echo", there + "/device_path", path, model_.set_device_path(nsid, path));
      case 6: {
        const std::string on = any(std::vector<std::string>{"0", "1"});
        return expect("echo", there + "/buffered_io", on, model_.set_buffered(nsid, on));
      }
      case 7:
      case 8:
        return expect("echo", there + "/enable", "1", model_.enable_namespace(nsid));
      case 9:
        expect("echo", there + "/enable", "0", model_.disable_namespace(nsid));
        return expect_drained(unlinked());
      case 10: {
        const std::string name = any(std::vector<std::string>{"here", "a"});
        const std::string target = "/x/target/core/" + device;
        const int error = is_named ? model_.link(nsid, device, name, target) : ENOENT;
        return expect("ln", here + "/" + name, target, error);
      }
      default: {
        const std::string name =
            is_named && present->second.link ? present->second.link->name : std::string("here");
        expect("rm", here + "/" + name, "", is_named ? model_.unlink(nsid, name) : ENOENT);
        expect_drained(unlinked());
      }
    }
  }

  void own_port_step(const std::string& service) {
    ReferencePorts& ports = model_.ports;
    const std::string path = "nvmet/subsystems/" + model_.nqn() + "/ports/" + ReferencePorts::name(service);
    const std::string group = any(std::vector<std::string>{"1", "2", "3"});
    const std::string its = path + "/ana_groups/" + group;
    const bool ends = service == host_service_ && ports.is_enabled(service);
    switch (one_of(9)) {
      case 0:
      case 1:
        return expect("mkdir", path, "", ports.make(service));
      case 2:
        expect("rmdir", path, "", ports.remove(service));
        if (ends) expect_drained(devices_);
        return;
      case 3:
      case 4:
        return expect("echo", path + "/enable", "1", ports.enable(service, true));
      case 5:
        expect("echo", path + "/enable", "0", ports.enable(service, false));
        if (ends) expect_drained(devices_);
        return;
      case 6:
        return expect("mkdir", its, "", ports.make_group(service, group));
      case 7:
        return expect("rmdir", its, "", ports.remove_group(service, group));
      default:
        return expect("echo", its + "/ana_state", "change", ports.set_state(service, group, "change"));
    }
  }

  void own_kernel_port_step() {
    ReferencePorts& ports = model_.ports;
    const std::string path = "kernel/nvmet/ports/" + ports.id;
    const std::string link = path + "/subsystems/" + model_.nqn();
    const std::string group = any(std::vector<std::string>{"1", "2", "3"});
    const std::string its = path + "/ana_groups/" + group;
    const auto write = [&](const std::string& word, const std::string& value) {
      expect("echo", path + "/" + word, value, ports.write_kernel(word, value));
    };
    switch (one_of(13)) {
      case 0:
        return expect("mkdir", path, "", ports.make_kernel());
      case 1:
        return expect("rmdir", path, "", ports.remove_kernel());
      case 2:
      case 3:
      case 4:
        write("addr_trtype", "tcp");
        write("addr_traddr", one_of(8) == 0 ? "nonsense" : "127.0.0.1");
        return write("addr_trsvcid", any(services_));
      case 5:
        return write("addr_trtype", "carrier pigeon");
      case 6:
      case 7:
        return expect("ln", link, "/x/subsystems/" + model_.nqn(),
                      ports.link("/x/subsystems/" + model_.nqn()));
      case 8: {
        const auto service = ports.linked_service();
        expect("rm", link, "", ports.unlink());
        if (service) wait_until_gone(ReferencePorts::name(*service));
        return;
      }
      case 9: {
        const bool on = one_of(2) == 0;
        return expect("echo", path + "/listen", on ? "1" : "0", ports.listen(on));
      }
      case 10:
        return expect("mkdir", its, "", ports.make_kernel_group(group));
      case 11:
        return expect("rmdir", its, "", ports.remove_kernel_group(group));
      default:
        return expect("echo", its + "/ana_state", "non-optimized",
                      ports.set_kernel_state(group, "non-optimized"));
    }
  }

  // All that a host's command needs to reach a device, as far as it is not there.
  void set_up() {
    const std::string& device = devices_[1];
    const std::string tenant = "nvmet/subsystems/" + model_.nqn();
    const std::string port = tenant + "/ports/" + ReferencePorts::name(services_[0]);
    const std::string link = "/x/target/core/" + device;
    expect("mkdir", tenant, "", model_.make_subsystem());
    expect("mkdir", tenant + "/hosts/" + hosts_[0], "", model_.add_host(hosts_[0], ""));
    expect("mkdir", "target/core/" + device, "", model_.make_device(device));
    expect("echo", "target/core/" + device + "/enable", "1", model_.enable_device(device));
    expect("mkdir", tenant + "/namespaces/1", "", model_.make_namespace(1, "1"));
    if (model_.namespaces().at(1).directory == "1")
      expect("ln", tenant + "/namespaces/1/here", link, model_.link(1, device, "here", link));
    expect("mkdir", port, "", model_.ports.make(services_[0]));
    expect("echo", port + "/enable", "1", model_.ports.enable(services_[0], true));
  }

  // A host that has been let in begins commands, and stays with them until the next one comes.
  void meet_host() {
    set_up();
    const auto service = model_.ports.enabled();
    if (!service) return;  // something is not as it must be
    note("a host connects by " + *service, 0);
    bool is_in = false;
    stage_.desk.ask([&] {
      host_.reset();
      for (const auto& port : stage_.target.ports())
        if (port->options().trsvcid == *service)
          host_ = std::make_unique<BusyHost>(
              stage_.loops, port, fabric::FakeHost::Options{.subnqn = model_.nqn(), .hostnqn = hosts_[0]});
      is_in = host_ != nullptr && host_->connect(stage_.loops[number_ % 2]);
      for (const auto& [nsid, its] : model_.namespaces())
        if (is_in) host_->begin_commands(Nsid(static_cast<std::uint32_t>(nsid)));
    });
    host_service_ = *service;
    if (is_in != model_.admits(hosts_[0])) fail_with(fmt::format("the host is {}in", is_in ? "" : "not "));
    if (one_of(2) == 0) disable_all();
  }

  // While the host's commands are in flight.
  void disable_all() {
    for (int nsid = 1; nsid <= 2; ++nsid) {
      if (!model_.namespaces().contains(nsid)) continue;
      expect("echo", fmt::format("kernel/nvmet/subsystems/{}/namespaces/{}/enable", model_.nqn(), nsid), "0",
             model_.disable_namespace(nsid));
      expect_drained(unlinked());
    }
  }

  std::vector<std::string> unlinked() const {
    std::vector<std::string> all;
    for (const auto& device : devices_)
      if (std::ranges::none_of(model_.namespaces(), [&](const auto& each) {
            return each.second.link && each.second.link->device == device;
          }))
        all.push_back(device);
    return all;
  }

  // A change that answers when it counts as done leaves no command at the devices.
  void expect_drained(const std::vector<std::string>& devices) {
    for (const auto& device : devices)
      if (const auto backend = stage_.find_backend(device))
        if (const auto in_flight = backend->snapshot().in_flight; in_flight > 0)
          fail_with(fmt::format("{} has {} commands in flight", device, in_flight));
  }

  // Behind the answer of the kernel layout; later changes do not wait for what it leaves.
  void wait_until_drained(const std::vector<std::string>& devices) {
    for (const auto& device : devices)
      while (const auto backend = stage_.find_backend(device)) {
        if (backend->snapshot().in_flight == 0) break;
        std::this_thread::yield();
      }
  }

  void wait_until_gone(const std::string& port) {
    const std::string path = "nvmet/subsystems/" + model_.nqn() + "/ports/" + port;
    while (tree().info(path)) std::this_thread::yield();
  }

  std::string look(const std::string& how, const std::string& path) {
    if (how == "is") return tree().info(path) ? "yes" : "no";
    return how == "ls" ? ls(path) : how == "cat" ? cat(path) : readlink(path);
  }

  void compare() {
    std::string differing;
    for (const auto& [key, expected] : model_.picture()) {
      const std::size_t blank = key.find(' ');
      const std::string found = look(key.substr(0, blank), key.substr(blank + 1));
      if (found != expected) differing += fmt::format("\n  {}: \"{}\" must be \"{}\"", key, found, expected);
    }
    if (!differing.empty()) fail_with(differing);
  }

  int call(const std::string& verb, const std::string& path, const std::string& value) {
    if (verb == "mkdir") return mkdir(path);
    if (verb == "rmdir") return rmdir(path);
    if (verb == "ln") return ln(value, path);
    return verb == "rm" ? rm(path) : echo(value, path);
  }

  void expect(const std::string& verb, const std::string& path, const std::string& value, int expected) {
    if (!failure_.empty()) return;
    note(fmt::format("{} {} {}", verb, path, value), expected);
    const int error = call(verb, path, value);
    successes_ += error == 0 ? 1 : 0;
    if (error != expected) fail_with(fmt::format("errno {} must be {}", error, expected));
  }

  // --- what all want
  void fight() {
    const std::string nqn = fmt::format("shared{}", one_of(2));
    const std::string id = std::to_string(901 + one_of(2));  // not given to an address by itself
    const std::string tenant = "nvmet/subsystems/" + nqn;
    const std::string root = one_of(2) == 0 ? "kernel/" : "";
    const std::string port = "kernel/nvmet/ports/" + id;
    const std::string own_port = tenant + "/ports/tcp:127.0.0.1:4" + id;
    const std::string device = "target/core/mem_99/" + id;
    const std::string there = "kernel/" + tenant + "/namespaces/" + id;
    const std::string flag = any(std::vector<std::string>{"0", "1"});
    const std::vector<std::vector<std::string>> calls = {
        {"mkdir", root + tenant, ""},
        {"rmdir", root + tenant, ""},
        {"mkdir", port, ""},
        {"echo", port + "/addr_trtype", "tcp"},
        {"echo", port + "/addr_traddr", "127.0.0.1"},
        {"echo", port + "/addr_trsvcid", "4" + id},
        {"rmdir", port, ""},
        {"ln", port + "/subsystems/" + nqn, "/x/subsystems/" + nqn},
        {"ln", port + "/subsystems/" + nqn, "/x/subsystems/" + nqn},
        {"rm", port + "/subsystems/" + nqn, ""},
        {"echo", port + "/listen", flag},
        {"mkdir", own_port, ""},
        {"rmdir", own_port, ""},
        {"echo", own_port + "/enable", flag},
        {"mkdir", tenant + "/hosts/shared", ""},
        {"mkdir", "kernel/nvmet/hosts/shared", ""},
        {"rmdir", "kernel/nvmet/hosts/shared", ""},
        {"ln", "kernel/" + tenant + "/allowed_hosts/shared", "/x/hosts/shared"},
        {"rm", "kernel/" + tenant + "/allowed_hosts/shared", ""},
        {"echo", root + tenant + "/attr_allow_any_host", flag},
        {"echo", root + tenant + "/attr_model", "M" + flag},
        {"echo", port + "/ana_groups/1/ana_state", flag == "1" ? "optimized" : "change"},
        {"mkdir", "target/core/mem_99", ""},
        {"rmdir", "target/core/mem_99", ""},
        {"mkdir", device, ""},
        {"mkdir", device, ""},
        {"echo", device + "/control", flag == "1" ? "how=slow" : "how=fail"},
        {"echo", device + "/enable", "1"},
        {"rmdir", device, ""},
        {"mkdir", there, ""},
        {"mkdir", tenant + "/namespaces/ns_" + id, ""},
        {"ln", tenant + "/namespaces/" + id + "/x", device},
        {"echo", there + "/device_path", stage_.folder + "/a"},
        {"echo", there + "/enable", flag},
        {"echo", there + "/enable", flag},
        {"rm", tenant + "/namespaces/" + id + "/x", ""},
        {"rmdir", there, ""}};
    static const std::set<int> kAllowed = {0,      EEXIST, ENOENT,     ENOTEMPTY, EBUSY, EINVAL,
                                           EACCES, ENODEV, EADDRINUSE, ECANCELED, EIO,   EALREADY};
    const auto& call_of = calls[one_of(calls.size())];
    note(fmt::format("{} {} {}", call_of[0], call_of[1], call_of[2]), -1);
    const int error = call(call_of[0], call_of[1], call_of[2]);
    if (!kAllowed.contains(error)) fail_with(fmt::format("errno {}", error));
    (void)ls("kernel/nvmet/ports");
    (void)ls(port + "/subsystems");
  }

  std::size_t one_of(std::size_t count) { return dice_() % count; }
  template <class Words>
  std::string any(const Words& words) {
    return words[one_of(words.size())];
  }

  void note(std::string what, int expected) {
    const std::scoped_lock lock(mutex_);
    if (expected > 0) what += fmt::format(": errno {}", expected);
    said_.push_back(std::move(what));
    if (said_.size() > kRemembered) said_.pop_front();
  }
  void fail_with(const std::string& what) {
    if (!failure_.empty()) return;
    const std::scoped_lock lock(mutex_);
    failure_ = fmt::format("actor {}: {}\nafter\n", number_, what);
    for (const auto& line : said_) failure_ += "  " + line + "\n";
  }

  static constexpr std::size_t kRemembered = 25;

  Stage& stage_;
  const unsigned number_;
  std::mt19937_64 dice_;
  ReferenceModel model_;
  std::vector<std::string> devices_;
  std::vector<std::string> hosts_;
  std::vector<std::string> services_;
  std::unique_ptr<BusyHost> host_;
  std::string host_service_;
  std::string failure_;
  std::atomic<std::uint64_t> calls_ = 0;
  std::uint64_t successes_ = 0;
  mutable std::mutex mutex_;
  std::deque<std::string> said_;
};

}  // namespace weft::config
