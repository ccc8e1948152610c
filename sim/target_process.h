// The real target with the real TCP transport, as a simulated process: it is killed, loses power and starts
// again on what its disk holds, and an administrator changes it while hosts work.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/administrator.h"
#include "sim/condition.h"
#include "sim/configured.h"
#include "sim/disk.h"
#include "sim/history.h"
#include "sim/network.h"
#include "sim/scenario.h"
#include "sim/store_disk.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"
#include "transports/loop/transport.h"
#include "transports/tcp/transport.h"
#include "wire/status.h"

namespace weft::sim {

inline constexpr std::string_view kNqn = "nqn.2024-01.sim:disk";
inline constexpr Nsid kNsid{1};
inline constexpr std::string_view kTraddr = "192.0.2.1";
std::string trsvcid_of(std::size_t port);
std::string hostnqn_of(unsigned host);

class TargetProcess {
 public:
  TargetProcess(Internet& internet, const Scenario& scenario, History& history);
  ~TargetProcess();  // after end()

  Medium& medium() { return medium_; }
  SimLoops& loops() { return life_->loops; }
  fabric::Initiator& loop_initiator() { return life_->loop; }  // of hosts in its process
  bool is_up() const { return life_ != nullptr; }
  // Administrators have made all their changes.
  bool is_done() const;
  // What the first guest is to see of them; empty while the configuration is not there.
  std::set<std::string> shown_to_guest() const;
  std::size_t controllers_of(std::string_view hostnqn) const;

  // Ends between two instructions; with `power`, its machine does.
  void kill(bool power);
  void start();

  // What an administrator does.  Nothing happens while the last thing of the kind has not settled.
  void detach_for(Duration time);
  void make_inaccessible_for(Duration time);  // one of the ports
  void grow();
  void unlist_for(unsigned host, Duration time);
  void fill_store_for(Duration time);
  void make_room();  // in the store's disk
  // What is wrong with how a command of the host ended that began then, given what was settled; empty:
  // nothing.
  std::string judge(unsigned host, std::uint64_t end_lba, wire::Status status, Time began) const;

  std::string violation() const;
  // Ends what is left; what is wrong then, or empty.
  std::string end();

 private:
  struct Life {
    Life(Internet& internet, const Scenario& scenario, Medium& medium, std::uint64_t blocks,
         const StoreDisk* store);
    void set_up(const Scenario& scenario, Dice& dice);
    SimLoops& loops;
    SimNetworks networks;
    const std::shared_ptr<SimDisk> disk;
    target::Target target;
    tcp::TcpTransport tcp;
    loop::LoopTransport loop;
    fabric::Transport& transport;
    std::unique_ptr<Configured> configured;  // null: the process has no configuration, and is set up here
    std::shared_ptr<target::Subsystem> subsystem;
    std::vector<std::unique_ptr<fabric::Listener>> listeners;  // by port
    std::uint32_t connections() const { return tcp.connections() + loop.connections(); }
  };
  void found(const std::string& what);
  void await_configuration();
  void unlist(unsigned host, Condition::Change change, Duration time, Hands hands);
  std::string close_configuration();
  void attach();
  void set_accessible(std::size_t port, bool accessible);
  std::vector<Condition*> conditions();
  // `then` once each loop of the process has done what it had to do, unless it has died.
  void settle(std::function<void()> then);

  Internet& internet_;
  World& world_;
  const Scenario& scenario_;
  History& history_;
  Medium medium_;
  std::uint64_t blocks_;
  std::unique_ptr<StoreDisk> store_;  // null: no configuration
  std::vector<std::unique_ptr<Administrator>> administrators_;
  std::unique_ptr<Life> life_;
  Condition present_;
  std::vector<Condition> accessible_;  // by port
  Condition size_;                     // whether it is blocks_
  std::vector<Condition> listed_;      // by host: whether it may connect
  bool is_ending_ = false;
  std::string violation_;
};

}  // namespace weft::sim
