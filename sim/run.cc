#include "sim/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "sim/history.h"
#include "sim/host_process.h"
#include "sim/target_process.h"

namespace weft::sim {

namespace {

constexpr Duration kWorkTime = std::chrono::seconds(600);
// With nothing broken any more everything ends within it.
constexpr Duration kRestTime = std::chrono::seconds(300);

class Run {
 public:
  Run(const Scenario& scenario, std::uint64_t seed, bool echo)
      : scenario_(scenario),
        world_(seed, echo),
        internet_(world_, scenario.latency),
        history_(scenario.disk.blocks),
        target_(std::make_unique<TargetProcess>(internet_, scenario.reactors, scenario.disk)) {
    for (unsigned i = 0; i < scenario.hosts; ++i)
      hosts_.push_back(std::make_unique<HostProcess>(internet_, scenario, *target_, history_, i));
    for (const Fault& fault : scenario.faults) schedule(fault);
  }

  Report execute() {
    world_.run_until([this] { return is_over(); }, kWorkTime);
    breaks_ = false;
    mend();
    if (violation().empty() && !world_.run_until([this] { return is_over(); }, kRestTime)) note_waiting();
    for (const auto& host : hosts_) host->stop();
    if (!world_.run_until([this] { return each(&HostProcess::is_gone); }, kRestTime))
      found("a host does not stop");
    if (const std::string left = target_->end(); !left.empty()) found(left);
    if (const auto wrong = history_.check_read(0, target_->disk().contents(), world_.now(), world_.now()))
      found("at the end " + *wrong);
    if (const Counts all = counts();
        scenario_.faults.empty() && scenario_.disk.errors_one_in == 0 && all.unsuccessful + all.losses > 0)
      found(fmt::format("nothing was broken, but {} commands failed and {} controllers were lost",
                        all.unsuccessful, all.losses));
    return report();
  }

 private:
  bool each(bool (HostProcess::*is)() const) const {
    return std::ranges::all_of(hosts_, [is](const auto& host) { return (*host.*is)(); });
  }
  std::string violation() const {
    if (!violation_.empty()) return violation_;
    for (const auto& host : hosts_)
      if (!host->violation().empty()) return host->violation();
    return {};
  }
  bool is_over() const { return each(&HostProcess::is_done) || !violation().empty(); }
  void found(const std::string& what) {
    if (violation().empty()) violation_ = what;
  }
  void note_waiting() {
    std::string all;
    for (const auto& host : hosts_) all += (all.empty() ? "" : "; ") + host->state();
    found("commands never end: " + all);
  }

  void schedule(const Fault& fault) {
    world_.after(world_.some_time(fault.every / 4, 2 * fault.every), [this, fault] {
      if (!breaks_) return;
      strike(fault);
      schedule(fault);
    });
  }
  void strike(const Fault& fault) {
    const Duration time = world_.some_time(fault.lasts / 8, fault.lasts);
    HostProcess& host = *hosts_[world_.dice().below(hosts_.size())];
    ++faults_;
    switch (fault.kind) {
      case Fault::Kind::reset:
        internet_.reset_one();
        break;
      case Fault::Kind::cut:
        world_.note("the link of {} is cut", host.loops().name());
        internet_.cut(host.networks());
        world_.after(time, [this, &host] {
          world_.note("the link of {} is joined", host.loops().name());
          internet_.join(host.networks());
        });
        break;
      case Fault::Kind::stuck:
        world_.note("the disk is stuck");
        target_->disk().set_stuck(true);
        world_.after(time, [this] {
          world_.note("the disk goes on");
          target_->disk().set_stuck(false);
        });
        break;
      case Fault::Kind::pause: {
        SimLoops& process = world_.dice().one_in(2) ? target_->loops() : host.loops();
        world_.note("{} pauses", process.name());
        world_.pause(process, time);
        break;
      }
    }
  }
  void mend() {
    for (const auto& host : hosts_) internet_.join(host->networks());
    target_->disk().set_stuck(false);
  }

  Counts counts() const {
    Counts all{.faults = faults_};
    for (const auto& host : hosts_)
      all += {.commands = scenario_.commands, .unsuccessful = host->unsuccessful(), .losses = host->losses()};
    return all;
  }

  Report report() {
    Report report{.violation = violation(), .counts = counts(), .last = world_.trace().last()};
    // What is still on its way refers to what is about to go.
    world_.run_for(std::chrono::seconds(30));
    report.hash = world_.trace().hash();
    return report;
  }

  const Scenario& scenario_;
  World world_;
  Internet internet_;
  History history_;
  std::unique_ptr<TargetProcess> target_;
  std::vector<std::unique_ptr<HostProcess>> hosts_;
  bool breaks_ = true;
  std::uint64_t faults_ = 0;
  std::string violation_;
};

}  // namespace

Report run(const Scenario& scenario, std::uint64_t seed, bool echo) {
  return Run(scenario, seed, echo).execute();
}

}  // namespace weft::sim
