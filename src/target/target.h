// The target core: all subsystems and ports of a process.  It knows no sockets, threads or io_uring.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/loop.h"
#include "base/result.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/view.h"

namespace weft::target {

struct Referral {
  std::string name;
  wire::TransportType trtype = wire::TransportType::tcp;
  wire::AddressFamily adrfam = wire::AddressFamily::ipv4;
  std::string traddr;
  std::string trsvcid;
  std::uint8_t treq = 0;  // bits 1:0 of the entry's
  PortId portid;
};

class Target {
 public:
  explicit Target(Loops& loops);  // the loops outlive it and run while it lives
  ~Target();                      // after shut_down, or before any connection
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  Loops& loops() { return loops_; }
  LoopState& state(Loop& loop) { return *states_[loop.index()]; }
  LoopState& state(unsigned loop) { return *states_[loop]; }

  // --- configuration.  Any thread but a loop's.
  Result<std::shared_ptr<Subsystem>> add_subsystem(const std::string& nqn);
  Result<> remove_subsystem(std::string_view nqn, Done done);
  std::shared_ptr<Subsystem> find_subsystem(std::string_view nqn) const;
  std::vector<std::shared_ptr<Subsystem>> subsystems() const;
  Result<std::shared_ptr<Port>> add_port(PortOptions options);  // EEXIST: the id is taken
  Result<> remove_port(PortId id);                              // its listener is closed before
  std::vector<std::shared_ptr<Port>> ports() const;
  Result<> add_referral(Referral referral);
  Result<> remove_referral(std::string_view name);
  std::vector<Referral> referrals() const;

  // Ends every controller: what is in flight gets `grace` to finish.  Blocks; then the loops may stop.
  // False: commands still hang at a backend.
  bool shut_down(Duration grace);

  // The discovery service: one subsystem that every port offers.  It answers under the well-known name and
  // under its own, which is the same until it gets another.
  const std::shared_ptr<Subsystem>& discovery() const { return discovery_; }
  std::string discovery_nqn() const;                   // its own; any thread
  Result<> set_discovery_nqn(const std::string& nqn);  // EINVAL; EEXIST: a subsystem has the name
  bool is_discovery(std::string_view nqn) const;       // any thread
  std::uint64_t discovery_generation() const { return discovery_generation_.load(); }
  // What hosts may see has changed: counts the generation up and tells persistent discovery controllers.
  void discovery_changed();

  // Queues alive, for shut_down.  Any thread.
  void queue_opened() { ++queues_; }
  void queue_closed();

 private:
  static constexpr std::size_t kShards = 64;
  struct Shard {
    mutable std::mutex mutex;
    std::map<std::string, std::shared_ptr<Subsystem>, std::less<>> subsystems;
  };
  Shard& shard(std::string_view nqn) const;

  Loops& loops_;
  std::vector<std::unique_ptr<LoopState>> states_;
  mutable std::array<Shard, kShards> shards_;
  mutable std::mutex ports_mutex_;
  std::map<PortId, std::shared_ptr<Port>> ports_;
  mutable std::mutex referrals_mutex_;
  std::vector<Referral> referrals_;
  std::shared_ptr<Subsystem> discovery_;
  mutable std::mutex discovery_nqn_mutex_;
  std::string discovery_nqn_;
  std::atomic<std::uint64_t> discovery_generation_{1};
  std::atomic<std::int64_t> queues_{0};
  std::mutex drained_mutex_;
  std::condition_variable drained_;
};

}  // namespace weft::target
