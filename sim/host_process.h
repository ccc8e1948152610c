// The host library as a simulated process: reads, writes and flushes of random places, each checked.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/options.h"
#include "sim/counters.h"
#include "sim/history.h"
#include "sim/link.h"
#include "sim/network.h"
#include "sim/scenario.h"
#include "sim/target_process.h"
#include "transports/tcp/initiator.h"

namespace weft::sim {

class HostProcess final : private LinkOwner {
 public:
  // What the disk holds, as all hosts know it.
  struct Knowledge {
    History history;
    Counters counters;  // the first blocks
  };
  HostProcess(Internet& internet, const Scenario& scenario, TargetProcess& target, Knowledge& knowledge,
              unsigned index);
  ~HostProcess();

  SimLoops& loops() { return life_->loops; }
  SimNetworks& networks() { return life_->networks; }
  const std::string& name() const { return name_; }
  bool is_up() const { return life_ != nullptr; }
  bool is_done() const { return left_ == 0 && under_way_ == 0; }
  bool is_gone() const { return gone_; }
  void stop();

  // Ends between two instructions; what it had under way nobody will hear of.
  void kill();
  void start();

  const std::string& nqn() const { return nqn_; }
  std::string complaint() const { return life_->link->complaint(); }
  const std::string& violation() const { return violation_; }  // empty: nothing so far
  unsigned losses() const { return losses_; }
  std::uint64_t unsuccessful() const { return unsuccessful_; }  // commands that ended without success
  std::string state() const;                                    // for people

 private:
  struct Io;
  struct Life {
    explicit Life(HostProcess& process);
    SimLoops& loops;
    SimNetworks networks;
    tcp::TcpInitiator tcp;
    std::unique_ptr<Link> link;
    std::vector<Lane> lanes;
    std::vector<std::unique_ptr<Io>> ios;
  };
  host::Options options() const;
  std::unique_ptr<Link> connect(Life& life);
  void die();
  void come_back();
  void on_up(const std::string& how) override;
  void on_down(const std::string& why) override;
  void on_gone(const std::string& why) override;
  void begin(Io& io);
  void retry(Io& io);
  void submit(Io& io);
  void draw(Io& io);
  void ended(Io& io);
  void count(Io& io);
  void record(Io& io);
  void record_step(Io& io);
  void record_write(Io& io);
  void look_back(std::span<const std::string> usable_ports);
  void check(std::optional<std::string> wrong);

  Internet& internet_;
  World& world_;
  const Scenario& scenario_;
  TargetProcess& target_;
  History& history_;
  Counters& counters_;
  const unsigned index_;
  const std::string name_;
  const std::string nqn_;
  // One in so many commands.
  const std::uint64_t flushes_;
  const std::uint64_t durable_;
  std::unique_ptr<Life> life_;
  unsigned left_;
  unsigned under_way_ = 0;
  bool live_ = false;
  bool gone_ = false;
  bool stopped_ = false;
  bool has_past_ = false;  // by several paths: sendings of writes that may still be on their way
  unsigned losses_ = 0;
  std::uint64_t unsuccessful_ = 0;
  std::string violation_;
};

}  // namespace weft::sim
