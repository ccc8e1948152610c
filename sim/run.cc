#include "sim/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "sim/faults.h"
#include "sim/history.h"
#include "sim/host_process.h"
#include "sim/target_process.h"
#include "sim/visitors.h"

namespace weft::sim {

namespace {

constexpr Duration kWorkTime = std::chrono::seconds(600);
// With nothing broken any more everything ends within it.
constexpr Duration kRestTime = std::chrono::seconds(300);
// So long after the last change hosts know of it.
constexpr Duration kNewsTime = std::chrono::seconds(1);

class Run {
 public:
  Run(const Scenario& scenario, std::uint64_t seed, bool echo)
      : scenario_(scenario),
        world_(seed, echo),
        internet_(world_, scenario.latency),
        knowledge_{History(scenario.disk.blocks), Counters(scenario.counters)},
        target_(std::make_unique<TargetProcess>(internet_, scenario, knowledge_.history)) {
    for (unsigned i = 0; i < scenario.hosts; ++i)
      hosts_.push_back(std::make_unique<HostProcess>(internet_, scenario, *target_, knowledge_, i));
    if (scenario.administrators > 0) {
      intruder_ = std::make_unique<Intruder>(internet_);
      observer_ = std::make_unique<Observer>(internet_, guestnqn_of(0));
    }
    faults_ = std::make_unique<Faults>(internet_, scenario, *target_, hosts_);
  }

  Report execute() {
    world_.run_until([this] { return is_over(); }, kWorkTime);
    faults_->end();
    if (violation().empty() && !world_.run_until([this] { return is_over(); }, kRestTime)) note_waiting();
    hear_complaints();
    ask_observer();
    for (const auto& host : hosts_) host->stop();
    for (Visitor* const visitor : visitors()) visitor->stop();
    if (!world_.run_until([this] { return each(&HostProcess::is_gone); }, kRestTime) ||
        !world_.run_until([this] { return std::ranges::all_of(visitors(), &Visitor::is_gone); }, kRestTime))
      found("a host does not stop");
    if (const std::string left = target_->end(); !left.empty()) found(left);
    check_disk();
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
    for (const Visitor* const visitor : visitors())
      if (!visitor->violation().empty()) return visitor->violation();
    return target_->violation().empty() ? faults_->violation() : target_->violation();
  }
  bool is_over() const { return (each(&HostProcess::is_done) && target_->is_done()) || !violation().empty(); }
  void found(const std::string& what) {
    if (violation().empty()) violation_ = what;
  }
  void hear_complaints() {
    if (scenario_.paths == 1 || !violation().empty()) return;
    // A path that broke is found broken, and connected again, in its time.
    if (scenario_.breaks_connections()) world_.run_until([this] { return complaint().empty(); }, kRestTime);
    world_.run_for(kNewsTime);
    if (const std::string what = complaint(); !what.empty()) found(what);
  }
  std::string complaint() const {
    for (const auto& host : hosts_)
      if (const std::string what = host->complaint(); !what.empty()) return host->name() + ": " + what;
    return {};
  }
  std::vector<Visitor*> visitors() const {
    if (intruder_ == nullptr) return {};
    return {intruder_.get(), observer_.get()};
  }
  void ask_observer() {
    if (observer_ == nullptr || !violation().empty()) return;
    const auto knows = [this] { return observer_->known() == target_->shown_to_guest(); };
    if (!world_.run_until(knows, kRestTime))
      found(fmt::format("the observer knows {} subsystems, and should know {}", observer_->known().size(),
                        target_->shown_to_guest().size()));
  }
  void note_waiting() {
    std::string all;
    for (const auto& host : hosts_) all += (all.empty() ? "" : "; ") + host->state();
    found("commands never end: " + all);
  }

  void check_disk() {
    const auto disk = target_->medium().contents();
    const auto rest = disk.subspan(scenario_.counters * History::kBlockBytes);
    const Time now = world_.now();
    if (const auto wrong = knowledge_.history.check_read(scenario_.counters, rest, now, now))
      found("at the end " + *wrong);
    if (const auto wrong = knowledge_.counters.check_end(disk)) found("at the end " + *wrong);
  }

  Counts counts() const {
    Counts all{.faults = faults_->count()};
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
  HostProcess::Knowledge knowledge_;
  std::unique_ptr<TargetProcess> target_;
  std::vector<std::unique_ptr<HostProcess>> hosts_;
  std::unique_ptr<Intruder> intruder_;  // as the next: with administrators
  std::unique_ptr<Observer> observer_;
  std::unique_ptr<Faults> faults_;
  std::string violation_;
};

}  // namespace

Report run(const Scenario& scenario, std::uint64_t seed, bool echo) {
  return Run(scenario, seed, echo).execute();
}

}  // namespace weft::sim
