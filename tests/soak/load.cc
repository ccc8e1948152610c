// weft_soak_load: writes and reads a target at random through the host library, over several connections, and
// knows of every block what it may hold.  Others do the harm; this says what became of it.
//
// Standard output has a line of JSON for each of: what was found wrong, the end of a command that was read
// from standard input, and, ten times a second, how far it has come.  The commands:
//
//   run            go on                                hold       stop, and wait for all that is under way
//   sweep          hold, and read everything            rewrite N  hold, and write everything from byte N on
//   trust N        what is read from byte N on may be anything; trust all
//   power          the target has died and has lost what was not durable; before it is started again
//   end
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "soak/zone.h"

namespace weft::soak {

namespace {

using nlohmann::json;

struct Options {
  std::string target;
  unsigned jobs = 4;
  std::uint16_t queues = 2;
  unsigned depth = 8;
  std::uint64_t mib = 16;
  std::uint64_t seed = 1;
  unsigned rate = 600;  // commands a second, of each job
  unsigned keep_alive_s = 5;
  unsigned loss_s = 300;
};

constexpr unsigned kTicks = 100;  // a second
constexpr unsigned kTicksOfReport = 10;

class Lines {
 public:
  void write(const json& line) {
    const std::scoped_lock lock(mutex_);
    fmt::print("{}\n", line.dump());
    (void)std::fflush(stdout);
  }

 private:
  std::mutex mutex_;
};

// A connection and its zone.
struct Job {
  std::unique_ptr<client::Host> host;
  std::unique_ptr<client::Namespace> disk;
  std::unique_ptr<Zone> zone;

  unsigned losses() const {
    unsigned all = 0;
    for (const client::Way& way : disk->ways()) all += way.losses;
    return all;
  }
};

client::Outcome<Job> open(const Options& options, unsigned index, Lines& lines) {
  auto host = client::Host::start({.queues = options.queues,
                                   .keep_alive = std::chrono::seconds(options.keep_alive_s),
                                   .loss_time = std::chrono::seconds(options.loss_s)});
  if (!host) return std::unexpected(host.error());
  Job job{.host = std::move(*host), .disk = {}, .zone = {}};
  auto disk = job.host->open(options.target);
  if (!disk) return std::unexpected(disk.error());
  job.disk = std::move(*disk);
  const std::uint64_t bytes = (options.mib << 20) / options.jobs;
  if (bytes * options.jobs > job.disk->bytes())
    return std::unexpected(client::Failure{EINVAL, fmt::format("{} is smaller than --mib", options.target)});
  job.zone = std::make_unique<Zone>(*job.disk,
                                    ZoneOptions{.first_byte = index * bytes,
                                                .bytes = bytes,
                                                .depth = options.depth,
                                                .seed = options.seed * options.jobs + index + 1},
                                    [&lines](const std::string& what) { lines.write({{"wrong", what}}); });
  return job;
}

json report(std::vector<Job>& jobs) {
  json all{{"each", json::array()}, {"wrong", 0}, {"failed", json::object()}, {"losses", 0}, {"gap", 0.0}};
  std::uint64_t wrong = 0;
  unsigned losses = 0;
  Duration gap{};
  std::map<std::string, std::uint64_t> failed;
  for (Job& job : jobs) {
    const ZoneCounts counts = job.zone->look();
    all["each"].push_back(counts.done);
    wrong += counts.wrong;
    losses += job.losses();
    gap = std::max(gap, counts.gap);
    for (const auto& [what, count] : counts.failed) failed[what] += count;
  }
  all["wrong"] = wrong;
  all["losses"] = losses;
  all["gap"] = std::chrono::duration<double>(gap).count();
  for (const auto& [what, count] : failed) all["failed"][what] = count;
  return all;
}

// In all zones at once.
void in_each(std::vector<Job>& jobs, const std::function<void(Zone&)>& does) {
  std::vector<std::thread> threads;
  threads.reserve(jobs.size());
  for (Job& job : jobs) threads.emplace_back([&does, &job] { does(*job.zone); });
  for (auto& thread : threads) thread.join();
}

bool obey(std::vector<Job>& jobs, const std::string& word, std::uint64_t number) {
  if (word == "run")
    in_each(jobs, [](Zone& zone) { zone.run(); });
  else if (word == "hold")
    in_each(jobs, [](Zone& zone) { zone.hold(); });
  else if (word == "sweep")
    in_each(jobs, [](Zone& zone) { zone.sweep(); });
  else if (word == "rewrite")
    in_each(jobs, [number](Zone& zone) { zone.rewrite(number); });
  else if (word == "trust")
    in_each(jobs, [number](Zone& zone) { zone.trust_below(number); });
  else if (word == "power")
    in_each(jobs, [](Zone& zone) { zone.power_lost(); });
  else
    return false;
  return true;
}

int run(const Options& options) {
  Lines lines;
  std::vector<Job> jobs;
  for (unsigned i = 0; i < options.jobs; ++i) {
    auto job = open(options, i, lines);
    if (!job) {
      fmt::print(stderr, "weft_soak_load: {}\n", job.error().message);
      return 1;
    }
    jobs.push_back(std::move(*job));
  }
  lines.write({{"ended", "open"}});
  std::atomic<bool> ending{false};
  std::thread ticker([&] {
    for (unsigned tick = 0; !ending; ++tick) {
      for (Job& job : jobs) job.zone->allow(std::max(1u, options.rate / kTicks));
      if (tick % kTicksOfReport == 0) lines.write(report(jobs));
      std::this_thread::sleep_for(std::chrono::milliseconds(1000 / kTicks));
    }
  });
  int status = 0;
  for (std::string line; status == 0 && std::getline(std::cin, line) && line != "end";) {
    std::istringstream words(line);
    std::string word, number;
    words >> word >> number;
    if (obey(jobs, word, number.empty() || number == "all" ? ~std::uint64_t{0} : std::stoull(number)))
      lines.write(json{{"ended", line}, {"now", report(jobs)}});
    else
      status = 2;
  }
  // What still waits for a target would wait for as long as that may be lost.
  std::thread patience([&] {
    for (int i = 0; i < 10 * static_cast<int>(kTicks) && !ending; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1000 / kTicks));
    if (!ending)
      for (Job& job : jobs) job.disk->stop();
  });
  in_each(jobs, [](Zone& zone) { zone.hold(); });
  ending = true;
  ticker.join();
  patience.join();
  lines.write(json{{"ended", "end"}, {"now", report(jobs)}});
  return status;
}

}  // namespace

}  // namespace weft::soak

int main(int argc, char** argv) {
  weft::soak::Options options;
  CLI::App app("weft_soak_load: verified load, steered by standard input; see tests/soak/load.cc");
  app.add_option("target", options.target, "tcp://HOST:PORT/NQN[?ns=N]")->required();
  app.add_option("--jobs", options.jobs, "connections, each with a part of the namespace")
      ->check(CLI::Range(1, 64));
  app.add_option("--queues", options.queues, "I/O queues of each")->check(CLI::Range(1, 16));
  app.add_option("--depth", options.depth, "commands at once, of each")->check(CLI::Range(1, 256));
  app.add_option("--mib", options.mib, "how much of the namespace, from its start");
  app.add_option("--seed", options.seed, "of the places");
  app.add_option("--rate", options.rate, "commands a second, of each");
  app.add_option("--keep-alive", options.keep_alive_s, "seconds");
  app.add_option("--loss-time", options.loss_s, "seconds for which a lost target is tried again");
  CLI11_PARSE(app, argc, argv);
  return weft::soak::run(options);
}
