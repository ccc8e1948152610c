// What goes wrong in a run, at times that are drawn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "sim/host_process.h"
#include "sim/network.h"
#include "sim/scenario.h"
#include "sim/target_process.h"

namespace weft::sim {

class Faults {
 public:
  Faults(Internet& internet, const Scenario& scenario, TargetProcess& target,
         std::span<const std::unique_ptr<HostProcess>> hosts);

  // Nothing breaks any more, and what is broken is mended.
  void end();
  std::uint64_t count() const { return count_; }
  const std::string& violation() const { return violation_; }

 private:
  void schedule(const Fault& fault);
  void strike(const Fault& fault);
  void cut(HostProcess& host, Duration time);
  void join(HostProcess& host, const SimNetworks& networks, Duration time);
  void stick(Duration time);
  void pause(HostProcess& host, Duration time);
  void stall(Duration time);
  void kill(HostProcess& host, Duration time);
  void kill_target(bool power, Duration time);

  Internet& internet_;
  World& world_;
  TargetProcess& target_;
  const std::span<const std::unique_ptr<HostProcess>> hosts_;
  bool breaks_ = true;
  std::uint64_t count_ = 0;
  std::string violation_;
};

}  // namespace weft::sim
