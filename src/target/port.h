// A port of the target: one listening address and the subsystems that are reached through it.  Shared by all
// subsystems whose port has the equal address.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "fabric/fabric.h"
#include "target/subsystem.h"

namespace weft::target {

class Target;

struct Advertised {
  std::string traddr;
  std::string trsvcid;
};

struct PortOptions {
  PortId id;
  wire::TransportType trtype = wire::TransportType::tcp;
  wire::AddressFamily adrfam = wire::AddressFamily::ipv4;
  std::string traddr;
  std::string trsvcid;
  std::optional<Advertised> advertised;  // instead of the reached address in the discovery log
};

// Outlives its connections.
class Port final : public fabric::Acceptor {
 public:
  Port(Target& target, PortOptions options) : target_(target), options_(std::move(options)) {}

  const PortOptions& options() const { return options_; }
  Target& target() { return target_; }

  // A port of the discovery service: its log lists what all ports offer.  Any thread.
  void list_all(bool all);
  bool lists_all() const { return lists_all_.load(std::memory_order_relaxed); }

  void link(std::shared_ptr<Subsystem> subsystem);  // any thread
  void unlink(const Subsystem& subsystem);          // not a successor of its name; new connects only
  std::shared_ptr<Subsystem> find(std::string_view nqn) const;
  std::vector<std::shared_ptr<Subsystem>> subsystems() const;  // by NQN

  fabric::Queue& accept(fabric::Connection& connection) override;

 private:
  Target& target_;
  const PortOptions options_;
  std::atomic<bool> lists_all_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Subsystem>, std::less<>> subsystems_;
};

}  // namespace weft::target
