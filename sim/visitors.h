// Hosts that do no I/O: one that is on no list, and one that asks the discovery service what there is and
// stays, to be told of changes.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/controller.h"
#include "sim/network.h"
#include "transports/tcp/initiator.h"

namespace weft::sim {

// A process that connects to the target's first port.
class Visitor : public host::ControllerObserver {
 public:
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;
  virtual ~Visitor() = default;
  void stop();
  bool is_gone() const { return is_gone_; }
  const std::string& violation() const { return violation_; }  // empty: nothing so far

 protected:
  Visitor(Internet& internet, std::string name, std::string address, std::string subnqn, std::string hostnqn);
  void visit();
  void found(const std::string& what);
  host::Controller& controller() { return *controllers_.back(); }
  void on_lost(const Error&) override {}
  void on_event(const wire::AsyncEvent&) override {}
  void on_gone(const Error& why) override;

  World& world_;

 private:
  const std::string name_;
  const std::string subnqn_;
  const std::string hostnqn_;
  SimLoops& loops_;
  SimNetworks networks_;
  tcp::TcpInitiator tcp_;
  std::vector<std::unique_ptr<host::Controller>> controllers_;  // the last one is in use
  bool is_stopped_ = false;
  bool is_gone_ = false;
  std::string violation_;
};

// Must never get a controller.
class Intruder final : public Visitor {
 public:
  explicit Intruder(Internet& internet);

 private:
  void on_live() override { found("a host that is on no list has got a controller"); }
};

// Reads the discovery log when it is connected, and after each event.
class Observer final : public Visitor {
 public:
  Observer(Internet& internet, const std::string& hostnqn);

  // What it knows: the names of subsystems.
  const std::set<std::string>& known() const { return known_; }

 private:
  struct Read : host::Command {
    explicit Read(Observer& of) : observer(of) {}
    Observer& observer;
  };
  void on_live() override;
  void on_event(const wire::AsyncEvent& event) override;
  void read();
  void have_log();

  static constexpr std::size_t kMostBytes = 64 * 1024;
  std::vector<std::byte> page_;
  iovec piece_{};
  Read read_{*this};
  bool is_reading_ = false;
  bool is_outdated_ = false;  // something changed while it read
  std::set<std::string> known_;
};

}  // namespace weft::sim
