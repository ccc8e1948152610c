// weft-sim: runs scenarios from many seeds, on several processes, and says how to run one again.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "sim/run.h"

namespace weft::sim {
namespace {

struct Wanted {
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;  // of each scenario
  unsigned jobs = 2;
  bool trace = false;
  bool hashes = false;
  std::vector<std::string> files;
};

// Of one scenario; the processes share it.
struct Tally {
  std::atomic<std::uint64_t> runs, failures, commands, unsuccessful, losses, faults;
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

// What a failed check leaves behind it.
char replay_line[256];
void on_abort(int) {
  (void)!::write(STDERR_FILENO, replay_line, std::char_traits<char>::length(replay_line));
}

void report_failure(const Report& report) {
  std::string text;
  for (const std::string& line : report.last) text += line + '\n';
  fmt::print(stderr, "{}FAIL: {}\n{}", text, report.violation, replay_line);
}

void run_seed(const Wanted& wanted, const Scenario& scenario, std::uint64_t seed, Tally& tally) {
  (void)std::snprintf(replay_line, sizeof replay_line, "run it again with: make sim SEED=%llu SCENARIO=%s\n",
                      static_cast<unsigned long long>(seed), scenario.name.c_str());
  const Report report = run(scenario, seed, wanted.trace);
  if (wanted.hashes) fmt::print("{} {} {:016x}\n", scenario.name, seed, report.hash);
  ++tally.runs;
  tally.commands += report.counts.commands;
  tally.unsuccessful += report.counts.unsuccessful;
  tally.losses += report.counts.losses;
  tally.faults += report.counts.faults;
  if (report.violation.empty()) return;
  ++tally.failures;
  report_failure(report);
}

// Each takes every so many-th seed.  False: one of them died.
bool run_all(const Wanted& wanted, const Scenario& scenario, Tally& tally) {
  std::vector<pid_t> workers;
  for (unsigned job = 0; job < wanted.jobs; ++job) {
    (void)std::fflush(nullptr);
    const pid_t worker = ::fork();
    if (worker < 0) give_up("fork failed");
    if (worker == 0) {
      for (std::uint64_t i = job; i < wanted.seeds; i += wanted.jobs)
        run_seed(wanted, scenario, wanted.first + i, tally);
      (void)std::fflush(nullptr);
      ::_exit(0);
    }
    workers.push_back(worker);
  }
  bool all_well = true;
  for (const pid_t worker : workers) {
    int status = 0;
    all_well = ::waitpid(worker, &status, 0) == worker && status == 0 && all_well;
  }
  return all_well;
}

int run_scenarios(const Wanted& wanted) {
  (void)std::signal(SIGABRT, on_abort);
  auto* const memory = ::mmap(nullptr, sizeof(Tally) * wanted.files.size(), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("no memory");
  auto* tally = static_cast<Tally*>(memory);
  bool good = true;
  fmt::print("{:<16} {:>7} {:>9} {:>12} {:>12} {:>8} {:>8}\n", "SCENARIO", "SEEDS", "FAILURES", "COMMANDS",
             "UNSUCCESSFUL", "LOSSES", "FAULTS");
  for (const std::string& file : wanted.files) {
    const Scenario scenario = load(file);
    const bool survived = run_all(wanted, scenario, *tally);
    fmt::print("{:<16} {:>7} {:>9} {:>12} {:>12} {:>8} {:>8}{}\n", scenario.name, tally->runs.load(),
               tally->failures.load(), tally->commands.load(), tally->unsuccessful.load(),
               tally->losses.load(), tally->faults.load(), survived ? "" : "  a run crashed");
    (void)std::fflush(stdout);
    good = good && survived && tally->failures == 0;
    ++tally;
  }
  return good ? 0 : 1;
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
  CLI11_PARSE(app, argc, argv);
  if (only->count() > 0) {
    wanted.first = one;
    wanted.seeds = 1;
    wanted.jobs = 1;
    wanted.trace = true;
  }
  return weft::sim::run_scenarios(wanted);
}
