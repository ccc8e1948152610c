// weft bench: how fast a target is, and whether it keeps what it acknowledged.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/bench/load.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace weft::cli {

namespace {

using bench::LoadOptions;
using bench::LoadResult;
using bench::Measured;
using nlohmann::ordered_json;

constexpr const char* kName = "weft bench";
constexpr double kNsPerUs = 1000;

struct Asked {
  RemoteOptions remote;
  LoadOptions load;
  std::string target;
  std::string pattern = "randread";
  std::string block = "4K";
  std::string size;
  std::uint32_t nsid = 0;
  double seconds = 10;
  double warm_up_seconds = 1;
  bool json = false;
};

void add_options(CLI::App& app, Asked& asked) {
  auto& load = asked.load;
  app.add_option("target", asked.target, "tcp://HOST[:PORT][,HOST[:PORT]...]/NQN[?ns=N]")
      ->type_name("TARGET")
      ->required();
  app.add_option("--rw", asked.pattern, "read, write, rw, randread, randwrite or randrw; default randread")
      ->type_name("PATTERN");
  app.add_option("--bs", asked.block, "bytes of one command; default 4K")->type_name("SIZE");
  app.add_option("--qd", load.workload.depth, "commands at once on each queue; default 32")
      ->check(CLI::Range(1, 1023))
      ->type_name("N");
  app.add_option("--queues", load.queues, "I/O queues of each job; default 1")
      ->check(CLI::Range(1, 128))
      ->type_name("N");
  app.add_option("--jobs", load.jobs, "controllers; default 1")->check(CLI::Range(1, 256))->type_name("N");
  app.add_option("--time", asked.seconds, "seconds to measure; default 10")
      ->check(CLI::Range(0.01, 86400.0))
      ->type_name("SECONDS");
  app.add_option("--warm-up", asked.warm_up_seconds, "seconds before; default 1")
      ->check(CLI::Range(0.0, 3600.0))
      ->type_name("SECONDS");
  app.add_option("--rwmix", load.workload.read_percent, "percent of a mix that are reads; default 50")
      ->check(CLI::Range(0, 100))
      ->type_name("N");
  app.add_option("--rate", load.workload.rate, "commands a second, of all together; default: as many as go")
      ->check(CLI::Range(1u, 1'000'000'000u))
      ->type_name("N");
  app.add_option("--size", asked.size, "of the namespace, from its start; default: all of it")
      ->type_name("SIZE");
  app.add_flag("--verify", load.workload.verify,
               "write what tells its place and version, and check what is read");
  app.add_option("--seed", load.workload.seed, "of places and of verified data; default 1")->type_name("N");
  app.add_option("--namespace", asked.nsid, "of the subsystem; default: its only one")
      ->check(CLI::Range(1u, 0xFFFFFFFEu))
      ->type_name("N");
  app.add_flag("--json", asked.json, "print JSON");
  add_remote_options(app, asked.remote);
}

Result<> read_words(Asked& asked) {
  const auto* const pattern = bench::find_pattern(asked.pattern);
  if (pattern == nullptr)
    return fail(EINVAL, fmt::format("--rw \"{}\": must be read, write, rw, randread, randwrite or randrw",
                                    asked.pattern));
  asked.load.workload.pattern = pattern->pattern;
  constexpr std::uint64_t kMost = std::uint64_t{2} * 1024 * 1024;
  const auto block = parse_size(asked.block);
  if (!block || *block == 0 || *block > kMost || *block % 512 != 0)
    return fail(EINVAL, fmt::format("--bs \"{}\": must be a multiple of 512, 2M at most", asked.block));
  asked.load.workload.block_bytes = static_cast<std::uint32_t>(*block);
  if (!asked.size.empty()) {
    asked.load.size = parse_size(asked.size);
    if (!asked.load.size)
      return fail(EINVAL, fmt::format("--size \"{}\": must be a size, for example 1G", asked.size));
  }
  asked.load.time = std::chrono::duration<double>(asked.seconds);
  asked.load.warm_up = std::chrono::duration<double>(asked.warm_up_seconds);
  // One entry of a queue is never used.
  asked.remote.queue_entries = asked.load.workload.depth + 1;
  const unsigned queues = asked.load.jobs * asked.load.queues;
  asked.remote.reactors = std::clamp(queues, 1u, std::max(std::thread::hardware_concurrency(), 1u));
  return {};
}

double per_second(double value, const LoadResult& result) {
  return value / std::max(result.took.count(), 1e-9);
}

ordered_json measured_json(const Measured& of, const LoadResult& result) {
  const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / kNsPerUs; };
  return {{"iops", per_second(static_cast<double>(of.latency.count()), result)},
          {"bytes_per_second", per_second(static_cast<double>(of.bytes), result)},
          {"mean_us", of.latency.mean() / kNsPerUs},
          {"p50_us", us(of.latency.quantile(0.5))},
          {"p99_us", us(of.latency.quantile(0.99))},
          {"p99.9_us", us(of.latency.quantile(0.999))},
          {"max_us", us(of.latency.largest())}};
}

ordered_json result_json(const Asked& asked, const LoadResult& result) {
  ordered_json json{{"rw", asked.pattern},
                    {"bs", asked.load.workload.block_bytes},
                    {"qd", asked.load.workload.depth},
                    {"queues", asked.load.queues},
                    {"jobs", asked.load.jobs},
                    {"seconds", result.took.count()}};
  if (result.reads.latency.count() != 0) json["read"] = measured_json(result.reads, result);
  if (result.writes.latency.count() != 0) json["write"] = measured_json(result.writes, result);
  const auto commands = static_cast<double>(result.reads.latency.count() + result.writes.latency.count());
  const auto cost = [&](std::chrono::duration<double> cpu) {
    return ordered_json{{"cpus", per_second(cpu.count(), result)},
                        {"us_per_command", commands > 0 ? cpu.count() * 1e6 / commands : 0}};
  };
  json["host_cpu"] = cost(result.host_cpu);
  json["own_us_per_command"] = result.own_cost.count() * 1e6;
  if (result.target_cpu) json["target_cpu"] = cost(*result.target_cpu);
  if (asked.load.workload.verify) json["verified_blocks"] = result.verified;
  json["losses"] = result.losses;
  json["longest_pause_ms"] = result.longest_pause.count() * 1e3;
  return json;
}

void print_result(const ordered_json& json) {
  std::vector<TableRow> rows{{"", "IOPS", "BANDWIDTH", "MEAN", "P50", "P99", "P99.9", "MAX"}};
  for (const char* kind : {"read", "write"}) {
    if (!json.contains(kind)) continue;
    const auto& of = json[kind];
    const auto us = [&](const char* name) { return fmt::format("{:.1f} us", of[name].get<double>()); };
    rows.push_back({kind, fmt::format("{:.0f}", of["iops"].get<double>()),
                    size_text(static_cast<std::uint64_t>(of["bytes_per_second"].get<double>())) + "/s",
                    us("mean_us"), us("p50_us"), us("p99_us"), us("p99.9_us"), us("max_us")});
  }
  fmt::print("{}", table_text(rows));
  for (const auto& [name, what] : {std::pair{"host_cpu", "this host"}, std::pair{"target_cpu", "the target"}})
    if (json.contains(name))
      fmt::print("{}: {:.2f} CPUs, {:.2f} us a command\n", what, json[name]["cpus"].get<double>(),
                 json[name]["us_per_command"].get<double>());
  fmt::print("this bench by itself: at most {:.2f} us a command, with a target that does nothing\n",
             json["own_us_per_command"].get<double>());
  if (json.contains("verified_blocks"))
    fmt::print("verified: {} blocks, all good\n", json["verified_blocks"].get<std::uint64_t>());
  if (json["losses"] != 0)
    fmt::print("a connection was lost {} times; the longest pause took {:.1f} ms\n",
               json["losses"].get<unsigned>(), json["longest_pause_ms"].get<double>());
}

}  // namespace

int bench_target(int argc, const char* const* argv) {
  CLI::App app("Load a namespace and measure how it answers.  What writes destroys what is in the namespace.",
               kName);
  Asked asked;
  add_options(app, asked);
  if (const auto status = parse(app, argc, argv)) return *status;
  if (const auto right = read_words(asked); !right) return report(kName, right.error());
  auto name = parse_remote(asked.target);
  if (!name) return report(kName, name.error());
  if (asked.nsid != 0) name->nsid = Nsid(asked.nsid);
  auto remotes = Remotes::start(asked.remote);
  if (!remotes) return report(kName, remotes.error());
  const auto result = bench::run_load(**remotes, *name, asked.load, !asked.json);
  if (!result) return report(kName, result.error());
  const ordered_json json = result_json(asked, **result);
  asked.json ? print_json(json) : print_result(json);
  return 0;
}

}  // namespace weft::cli
