// The network between simulated processes: byte streams that are late, come in pieces of any size, are taken
// by the sender's socket in parts, are reset, or hang when the link of a process is cut.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "net/stream.h"
#include "sim/world.h"

namespace weft::sim {

class Connection;
class SimNetworks;

struct Latency {
  Duration least = std::chrono::microseconds(20);
  Duration most = std::chrono::milliseconds(2);
};

// All of it.  Outlives the processes' networks.
class Internet {
 public:
  Internet(World& world, Latency latency) : world_(world), latency_(latency) {}
  Internet(const Internet&) = delete;
  Internet& operator=(const Internet&) = delete;

  World& world() { return world_; }
  Duration latency() { return world_.some_time(latency_.least, latency_.most); }

  // Faults.  A connection that is reset tells both ends, each in its time, or one of them never.
  void reset_one();  // if there is one
  // Nothing reaches or leaves the process until the link is joined; who connects meanwhile hears nothing for
  // long.
  void cut(SimNetworks& process) { cut_.insert(&process); }
  void join(const SimNetworks& process);
  // The process is no more.  Its peers hear of it, or, where its machine has no power, once it has it again.
  void died(const SimNetworks& process, bool tells);
  void has_power_again(const std::string& host);
  // A byte changes on the way, of a connection that both ends check with digests from its first command on.
  void damage_one();
  // Whether the target had been told of the end of all its earlier connections from there before the first of
  // those that are open now to that port of it was made.
  bool knows_its_past(const std::string& host, const std::string& trsvcid) const;
  // When a process there last ended a connection that it had made, or knew of its end.
  Time last_end_at(const std::string& host) const;
  bool is_cut(const SimNetworks& process) const { return cut_.contains(&process); }

 private:
  friend class SimNetworks;
  friend class Connection;
  struct Listening;

  World& world_;
  const Latency latency_;
  std::set<const SimNetworks*> cut_;
  std::map<std::string, std::weak_ptr<Listening>> listeners_;  // by address
  std::vector<std::shared_ptr<Connection>> open_connections() const;
  std::vector<std::weak_ptr<Connection>> connections_;
  // Of the connections of each host, as it knew of them and as the target did.
  struct LastEnds {
    Time there = Time::min();
    Time at_target = Time::min();
  };
  std::map<std::string, LastEnds> last_ends_;
  std::uint16_t next_port_ = 50000;
};

// One process's.
class SimNetworks final : public net::Networks {
 public:
  // `host`: its address.
  SimNetworks(Internet& internet, SimLoops& loops, std::string host);
  ~SimNetworks() override;
  net::Network& of(Loop& loop) override;
  Loops& loops() override { return loops_; }
  Internet& internet() { return internet_; }
  const std::string& host() const { return host_; }
  const std::string& name() const { return loops_.name(); }

 private:
  class OfLoop;
  Internet& internet_;
  SimLoops& loops_;
  const std::string host_;
  std::vector<std::unique_ptr<OfLoop>> networks_;
};

}  // namespace weft::sim
