// The host library as a simulated process: reads and writes of random places, each checked.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/controller.h"
#include "sim/history.h"
#include "sim/network.h"
#include "sim/scenario.h"
#include "sim/target_process.h"
#include "transports/tcp/initiator.h"

namespace weft::sim {

class HostProcess final : private host::ControllerObserver {
 public:
  HostProcess(Internet& internet, const Scenario& scenario, const TargetProcess& target, History& history,
              unsigned index);
  ~HostProcess();

  SimLoops& loops() { return loops_; }
  SimNetworks& networks() { return networks_; }
  bool is_done() const { return left_ == 0 && under_way_ == 0; }
  bool is_gone() const { return gone_; }
  void stop() { controller_->stop(); }
  // What went wrong; empty: nothing so far.
  const std::string& violation() const { return violation_; }
  unsigned losses() const { return losses_; }
  std::uint64_t unsuccessful() const { return unsuccessful_; }  // commands that ended without success
  std::string state() const;                                    // for people

 private:
  struct Io;
  void on_live() override;
  void on_lost(const Error& why) override;
  void on_event(const wire::AsyncEvent&) override {}
  void on_gone(const Error& why) override;
  void start(Io& io);
  void retry(Io& io);
  void submit(Io& io);
  void ended(Io& io);
  void check(std::optional<std::string> wrong);

  World& world_;
  const Scenario& scenario_;
  const TargetProcess& target_;
  History& history_;
  const unsigned index_;
  SimLoops& loops_;
  SimNetworks networks_;
  tcp::TcpInitiator initiator_;
  std::unique_ptr<host::Controller> controller_;
  std::vector<std::unique_ptr<Io>> ios_;
  unsigned left_;
  unsigned under_way_ = 0;
  bool live_ = false;
  bool gone_ = false;
  unsigned losses_ = 0;
  std::uint64_t unsuccessful_ = 0;
  std::string violation_;
};

}  // namespace weft::sim
