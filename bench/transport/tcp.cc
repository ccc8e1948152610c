// tcp [PREFIX...]: what NVMe/TCP carries beside what a bare pair of threads does that moves the same bytes,
// the target on one CPU and the load on another.  Each figure is the median of several rounds, in which the
// pair and the target take turns.  Lines of "name value unit"; only names that begin as a word says, without
// "tcp.".
//
//   tcp.PATTERN.qdN.cN.spin|sleep.raw.FIGURE               the pair: the faster of sockets and io_uring
//   tcp.PATTERN.qdN.cN.spin|sleep.BACKEND.FIGURE           through host, transport, target and backend
//   tcp.PATTERN.qdN.cN.spin|sleep.BACKEND_DIGESTS.FIGURE   with digests: header, both
//   tcp.PATTERN.qdN.cN.spin|sleep.of_limit                 the RAM disk's IOPS to the pair's
#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/run_on.h"
#include "transport/load.h"
#include "transports/tcp/initiator.h"
#include "transports/tcp/transport.h"

namespace weft::bench {
namespace {

using cli::bench::Pattern;
using std::chrono::milliseconds;

constexpr auto kTime = milliseconds(300);
// Longer than any pause under load, and over when the pair has its turn: it needs both CPUs.
constexpr auto kSpin = milliseconds(20);
constexpr int kRounds = 3;

struct Row {
  const char* name;
  Pattern pattern;
  std::uint32_t bytes;
  unsigned read_percent;
  std::vector<unsigned> depths;
  std::vector<unsigned> connections;
  bool has_digests = false;  // at one depth and one connection
};
const std::vector<Row> kRows = {
    {"read4k", Pattern::randread, 4096, 100, {1, 8, 32, 128}, {1, 4, 16}, true},
    {"write4k", Pattern::randwrite, 4096, 0, {1, 8, 32, 128}, {1, 4, 16}, true},
    {"mixed4k", Pattern::randrw, 4096, 70, {1, 8, 32, 128}, {1, 4, 16}},
    {"read128k", Pattern::read, 128 * 1024, 100, {32}, {1}},
    {"write128k", Pattern::write, 128 * 1024, 0, {32}, {1}},
    {"read1m", Pattern::read, 1024 * 1024, 100, {8}, {1}},
    {"write1m", Pattern::write, 1024 * 1024, 0, {8}, {1}},
};
constexpr unsigned kDigestDepth = 32;

struct Series {
  std::vector<double> per_second, p50, p99, p999, host_cpu, target_cpu;
  void add(const Figures& all) {
    const auto us = [&](double part) { return static_cast<double>(all.times.quantile(part)) / 1000; };
    per_second.push_back(all.per_second);
    p50.push_back(us(0.5));
    p99.push_back(us(0.99));
    p999.push_back(us(0.999));
    host_cpu.push_back(all.host_cpu_s);
    target_cpu.push_back(all.target_cpu_s);
  }
};

double median(std::vector<double> all) {
  std::ranges::sort(all);
  return all[all.size() / 2];
}

void print(const std::string& name, double value, const char* unit) {
  fmt::print("{} {:.3f} {}\n", name, value, unit);
  (void)std::fflush(stdout);
}

void print_all(const std::string& name, const Series& all, std::uint32_t bytes) {
  const auto [least, most] = std::ranges::minmax(all.per_second);
  print(name + ".iops", median(all.per_second), "iops");
  print(name + ".iops_spread", (most - least) / median(all.per_second), "ratio");
  print(name + ".bandwidth", median(all.per_second) * bytes / (1 << 20), "MiB/s");
  print(name + ".p50", median(all.p50), "us");
  print(name + ".p99", median(all.p99), "us");
  print(name + ".p999", median(all.p999), "us");
  print(name + ".host_cpu", median(all.host_cpu), "s_per_million");
  print(name + ".target_cpu", median(all.target_cpu), "s_per_million");
}

Pinning cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> all;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) all.push_back(cpu);
  if (all.size() < 2) {
    fmt::print(stderr, "tcp: it takes two CPUs, one for each side; this process may use {}\n", all.size());
    std::exit(1);
  }
  return {.host = all[1], .target = all[0]};
}

// Both sides on a reactor each, and what connects them.
class Bench {
 public:
  Bench(Waiting waiting, Pinning pinning, std::vector<std::string> words)
      : waiting_(waiting), pinning_(pinning), words_(std::move(words)) {}

  void run() {
    for (const Row& row : kRows)
      for (const unsigned depth : row.depths)
        for (const unsigned connections : row.connections) {
          const std::string name = fmt::format("{}.qd{}.c{}.{}", row.name, depth, connections,
                                               waiting_ == Waiting::spinning ? "spin" : "sleep");
          if (is_wanted(name)) measure_row(name, row, depth, connections);
        }
    listener_.reset();
    served_.stop();
    transport_.shut_down();
    while (transport_.connections() != 0) std::this_thread::sleep_for(milliseconds(1));
    here_->stop();
    there_->stop();
  }

 private:
  std::unique_ptr<reactor::Reactors> reactor_on(unsigned cpu, const char* name) const {
    const Duration spin = waiting_ == Waiting::spinning ? kSpin : Duration{};
    return must(reactor::Reactors::start({.count = 1, .cpus = {cpu}, .spin = spin, .name = name}));
  }
  bool is_wanted(const std::string& name) const {
    return words_.empty() ||
           std::ranges::any_of(words_, [&](const std::string& word) { return name.starts_with(word); });
  }

  std::unique_ptr<host::Namespace> open(Nsid nsid, unsigned connections, bool header, bool data) {
    auto options =
        host_options({"127.0.0.1", listener_->trsvcid(), kNqn}, static_cast<std::uint16_t>(connections));
    options.header_digest = header;
    options.data_digest = data;
    return must(host::Namespace::open(*here_, {.ways = {{&initiator_, options}}, .nsid = nsid}));
  }

  void measure_row(const std::string& name, const Row& row, unsigned depth, unsigned connections) {
    struct Way {
      std::string name;
      std::unique_ptr<host::Namespace> remote;
      Series series;
    };
    if (!std::exchange(filled_, true))
      for (const auto& backend : kBackends) fill(*open(backend.nsid, 1, false, false));
    std::vector<Way> ways;
    for (const auto& backend : kBackends)
      ways.push_back({backend.name, open(backend.nsid, connections, false, false), {}});
    if (row.has_digests && depth == kDigestDepth && connections == 1) {
      ways.push_back({"ramdisk_header", open(kBackends[1].nsid, 1, true, false), {}});
      ways.push_back({"ramdisk_both", open(kBackends[1].nsid, 1, true, true), {}});
    }
    Series sockets;
    Series ring;
    const PairShape pair{
        .bytes = row.bytes, .read_percent = row.read_percent, .depth = depth, .connections = connections};
    const cli::bench::Workload load{
        .pattern = row.pattern, .block_bytes = row.bytes, .depth = depth, .read_percent = row.read_percent};
    for (int round = 0; round < kRounds; ++round) {
      for (Way& way : ways)
        way.series.add(measure(*way.remote, load, *here_->all()[0], *there_->all()[0], kTime));
      std::this_thread::sleep_for(2 * kSpin);
      sockets.add(run_pair(pair, Engine::sockets, waiting_, pinning_, kTime));
      ring.add(run_pair(pair, Engine::io_uring, waiting_, pinning_, kTime));
    }
    const std::string full = "tcp." + name;
    const Series& raw = median(sockets.per_second) > median(ring.per_second) ? sockets : ring;
    print(full + ".raw.sockets", median(sockets.per_second), "iops");
    print(full + ".raw.io_uring", median(ring.per_second), "iops");
    print_all(full + ".raw", raw, row.bytes);
    for (const Way& way : ways) print_all(full + "." + way.name, way.series, row.bytes);
    print(full + ".of_limit", median(ways[1].series.per_second) / median(raw.per_second), "ratio");
    print(full + ".null_of_limit", median(ways[0].series.per_second) / median(raw.per_second), "ratio");
  }

  const Waiting waiting_;
  const Pinning pinning_;
  const std::vector<std::string> words_;
  bool filled_ = false;
  const std::unique_ptr<reactor::Reactors> there_ = reactor_on(pinning_.target, "target");
  const std::unique_ptr<reactor::Reactors> here_ = reactor_on(pinning_.host, "host");
  Served served_{*there_};
  tcp::TcpTransport transport_{*there_, {}};
  std::unique_ptr<fabric::Listener> listener_ =
      must(transport_.listen({.traddr = "127.0.0.1", .trsvcid = "0"}, served_.port()));
  tcp::TcpInitiator initiator_{*here_};
};

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0].starts_with("-")) {
    fmt::print(stderr, "usage: tcp [PREFIX...]\n");
    return words[0] == "--help" ? 0 : 2;
  }
  for (const auto waiting : {Waiting::sleeping, Waiting::spinning}) Bench(waiting, cpus(), words).run();
  return 0;
}
