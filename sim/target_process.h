// The real target with the real TCP transport, as a simulated process.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sim/disk.h"
#include "sim/network.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"
#include "transports/tcp/transport.h"

namespace weft::sim {

inline constexpr std::string_view kNqn = "nqn.2024-01.sim:disk";
inline constexpr Nsid kNsid{1};
inline constexpr std::string_view kTraddr = "192.0.2.1";
inline constexpr std::string_view kTrsvcid = "4420";

class TargetProcess {
 public:
  TargetProcess(Internet& internet, unsigned reactors, const DiskOptions& disk);
  ~TargetProcess();  // after end()

  SimLoops& loops() { return loops_; }
  SimDisk& disk() { return *disk_; }
  std::size_t controllers_of(std::string_view hostnqn) const;
  // Ends what is left; what is wrong then, or empty.
  std::string end();

 private:
  World& world_;
  SimLoops& loops_;
  SimNetworks networks_;
  const std::shared_ptr<SimDisk> disk_;
  target::Target target_;
  tcp::TcpTransport transport_;
  std::shared_ptr<target::Subsystem> subsystem_;
  std::shared_ptr<target::Port> port_;
  std::unique_ptr<fabric::Listener> listener_;
};

}  // namespace weft::sim
