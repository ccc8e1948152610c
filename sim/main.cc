// weft-sim: runs scenarios from many seeds, each run in a process of its own, and says how to run one again.
#include <fmt/format.h>
#include <sys/mman.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "sim/planted.h"
#include "sim/run.h"
#include "sim/workers.h"

namespace weft::sim {
namespace {

struct Wanted {
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;  // of each scenario
  unsigned jobs = 2;
  bool trace = false;
  bool hashes = false;
  std::string planted;
  std::vector<std::string> files;
};

// Of one scenario; the processes share it.
struct Tally {
  std::atomic<std::uint64_t> commands, unsuccessful, losses, faults;
};

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "weft-sim: {}\n", why);
  std::exit(2);
}

Scenario load(const std::string& file) {
  std::ifstream in(file);
  if (!in) give_up(file + ": cannot be read");
  std::stringstream text;
  text << in.rdbuf();
  auto scenario = parse_scenario(std::filesystem::path(file).stem(), text.str());
  if (!scenario) give_up(scenario.error().message);
  return std::move(*scenario);
}

void report_failure(const Report& report) {
  std::string text;
  for (const std::string& line : report.last) text += line + '\n';
  fmt::print(stderr, "{}FAIL: {}\n", text, report.violation);
}

// True: all is well.
bool run_seed(const Wanted& wanted, const Scenario& scenario, std::uint64_t seed, Tally& tally) {
  const Report report = run(scenario, seed, wanted.trace);
  if (wanted.hashes) fmt::print("{} {} {:016x}\n", scenario.name, seed, report.hash);
  tally.commands += report.counts.commands;
  tally.unsuccessful += report.counts.unsuccessful;
  tally.losses += report.counts.losses;
  tally.faults += report.counts.faults;
  if (!report.violation.empty()) report_failure(report);
  return report.violation.empty();
}

bool run_scenario(const Wanted& wanted, const Scenario& scenario, Tally& tally) {
  std::uint64_t failures = 0;
  Workers workers(wanted.jobs);
  for (std::uint64_t i = 0; i < wanted.seeds; ++i) {
    const std::uint64_t seed = wanted.first + i;
    workers.start([&, seed] { return run_seed(wanted, scenario, seed, tally); },
                  [&, seed](const std::string& failure) {
                    if (failure.empty()) return;
                    ++failures;
                    fmt::print(stderr, "{}; run it again with: make sim SEED={} SCENARIO={}\n", failure, seed,
                               scenario.name);
                  });
  }
  workers.wait();
  fmt::print("{:<16} {:>7} {:>9} {:>12} {:>12} {:>8} {:>8}\n", scenario.name, wanted.seeds, failures,
             tally.commands.load(), tally.unsuccessful.load(), tally.losses.load(), tally.faults.load());
  (void)std::fflush(stdout);
  return failures == 0;
}

int run_scenarios(const Wanted& wanted) {
  auto* const memory =
      ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("no memory");
  bool good = true;
  fmt::print("{:<16} {:>7} {:>9} {:>12} {:>12} {:>8} {:>8}\n", "SCENARIO", "SEEDS", "FAILURES", "COMMANDS",
             "UNSUCCESSFUL", "LOSSES", "FAULTS");
  for (const std::string& file : wanted.files) {
    auto* const tally = new (memory) Tally{};
    good = run_scenario(wanted, load(file), *tally) && good;
  }
  return good ? 0 : 1;
}

// Seed after seed until a run fails.  Prints a row; false: none does.
bool find(const Wanted& wanted, const Scenario& scenario, const NamedBug& bug) {
  for (std::uint64_t i = 0; i < wanted.seeds; ++i) {
    bool found = false;
    Workers worker(1, Workers::Output::none);
    worker.start(
        [&] {
          plant(bug.bug);
          return run(scenario, wanted.first + i).violation.empty();
        },
        [&](const std::string& failure) { found = !failure.empty(); });
    worker.wait();
    if (!found) continue;
    fmt::print("{:<24} {:<16} {:>6}\n", bug.name, scenario.name, i + 1);
    return true;
  }
  fmt::print("{:<24} {:<16} {:>6}  NOT FOUND\n", bug.name, scenario.name, wanted.seeds);
  return false;
}

const Scenario& scenario_for(const NamedBug& bug, const std::vector<Scenario>& scenarios) {
  const auto found = std::ranges::find(scenarios, bug.scenario, &Scenario::name);
  if (found == scenarios.end())
    give_up(fmt::format("{} is to be found by the scenario {}, which is not given", bug.name, bug.scenario));
  return *found;
}

int find_planted(const Wanted& wanted) {
  if (!has_planted_bugs())
    give_up(
        "this build has no planted bugs; configure one with -DWEFT_PLANTED_BUGS=ON, as the asan preset does");
  std::vector<Scenario> scenarios;
  for (const std::string& file : wanted.files) scenarios.push_back(load(file));
  bool all = true;
  bool any = false;
  fmt::print("{:<24} {:<16} {:>6}\n", "BUG", "SCENARIO", "SEEDS");
  Workers workers(wanted.jobs);
  for (const NamedBug& bug : all_bugs()) {
    if (wanted.planted != "all" && wanted.planted != bug.name) continue;
    any = true;
    const Scenario& scenario = scenario_for(bug, scenarios);
    workers.start([&] { return find(wanted, scenario, bug); },
                  [&](const std::string& failure) { all = all && failure.empty(); });
  }
  workers.wait();
  if (!any) give_up(wanted.planted + " is no planted bug; src/base/planted.h names them");
  return all ? 0 : 1;
}

}  // namespace
}  // namespace weft::sim

int main(int argc, char** argv) {
  CLI::App app("Runs the target, its transport and the host library in a simulated world, from many seeds.");
  weft::sim::Wanted wanted;
  std::uint64_t one = 0;
  app.add_option("scenario", wanted.files, "files of sim/scenarios")->required()->type_name("FILE");
  app.add_option("--seeds", wanted.seeds, "runs of each scenario; default 100")->type_name("N");
  app.add_option("--first", wanted.first, "the first seed; the others follow; default 1")->type_name("SEED");
  auto* const only = app.add_option("--seed", one, "this seed alone, with its trace")->type_name("SEED");
  app.add_option("--jobs", wanted.jobs, "processes; default 2")->type_name("N")->check(CLI::Range(1, 256));
  app.add_flag("--hash", wanted.hashes, "print a hash of all that happened in each run");
  app.add_option("--planted", wanted.planted,
                 "look for this planted bug, or for all, in so many seeds of the scenario that is to find "
                 "it; with --seed, run with "
                 "it")
      ->type_name("BUG");
  CLI11_PARSE(app, argc, argv);
  if (only->count() > 0) {
    wanted.first = one;
    wanted.seeds = 1;
    wanted.jobs = 1;
    wanted.trace = true;
    for (const auto& bug : weft::sim::all_bugs())
      if (bug.name == wanted.planted) weft::sim::plant(bug.bug);
    return weft::sim::run_scenarios(wanted);
  }
  return wanted.planted.empty() ? weft::sim::run_scenarios(wanted) : weft::sim::find_planted(wanted);
}
