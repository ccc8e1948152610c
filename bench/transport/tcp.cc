// tcp [PREFIX...]: what NVMe/TCP carries beside what a bare pair of threads does that moves the same bytes,
// the target on one CPU and the load on another.  Each figure is the median of several rounds, in which the
// pair and the target take turns.  Lines of "name value unit"; only names that begin as a word says, without
// "tcp.".
//
//   tcp.PATTERN.qdN.cN.spin|sleep.raw.FIGURE               the pair: the faster of sockets and io_uring
//   tcp.PATTERN.qdN.cN.spin|sleep.BACKEND.FIGURE           through host, transport, target and backend
//   tcp.PATTERN.qdN.cN.spin|sleep.BACKEND_DIGESTS.FIGURE   with digests: header, both
//   tcp.PATTERN.qdN.cN.spin|sleep.of_limit                 the RAM disk's IOPS to the pair's
//   tcp.PATTERN.qdN.cN.spin|sleep.raw_cold.iops            the pair, the target's bytes anywhere in 256 MiB
//   tcp.PATTERN.qdN.cN.spin|sleep.of_cold_limit            the RAM disk's IOPS to that
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "transport/report.h"
#include "transport/tcp_bed.h"

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
constexpr std::size_t kDiskBytes = std::size_t{256} << 20;

class Bench {
 public:
  Bench(Waiting waiting, const Rows& rows) : waiting_(waiting), rows_(rows) {}

  void run() {
    for (const Row& row : kRows)
      for (const unsigned depth : row.depths)
        for (const unsigned connections : row.connections) {
          const std::string name = fmt::format("{}.qd{}.c{}.{}", row.name, depth, connections,
                                               waiting_ == Waiting::spinning ? "spin" : "sleep");
          if (rows_.has(name)) measure_row(name, row, depth, connections);
        }
  }

 private:
  std::unique_ptr<host::Namespace> open_with_digests(bool data) {
    auto options = bed_.options(1);
    options.header_digest = true;
    options.data_digest = data;
    return bed_.open(kBackends[1].nsid, options);
  }

  void measure_row(const std::string& name, const Row& row, unsigned depth, unsigned connections) {
    struct Way {
      std::string name;
      std::unique_ptr<host::Namespace> remote;
      Series series;
    };
    if (!std::exchange(filled_, true))
      for (const auto& backend : kBackends) fill(*bed_.open(backend.nsid));
    std::vector<Way> ways;
    for (const auto& backend : kBackends)
      ways.push_back({backend.name, bed_.open(backend.nsid, connections), {}});
    if (row.has_digests && depth == kDigestDepth && connections == 1) {
      ways.push_back({"ramdisk_header", open_with_digests(false), {}});
      ways.push_back({"ramdisk_both", open_with_digests(true), {}});
    }
    Series sockets, ring, cold_sockets, cold_ring;
    const PairShape pair{
        .bytes = row.bytes, .read_percent = row.read_percent, .depth = depth, .connections = connections};
    PairShape cold = pair;
    cold.disk = disk_;
    const cli::bench::Workload load{
        .pattern = row.pattern, .block_bytes = row.bytes, .depth = depth, .read_percent = row.read_percent};
    for (int round = 0; round < kRounds; ++round) {
      for (Way& way : ways)
        way.series.add(measure({way.remote.get()}, load, bed_.host(), bed_.target(), kTime));
      std::this_thread::sleep_for(2 * kSpin);
      sockets.add(run_pair(pair, Engine::sockets, waiting_, bed_.pinning(), kTime));
      ring.add(run_pair(pair, Engine::io_uring, waiting_, bed_.pinning(), kTime));
      cold_sockets.add(run_pair(cold, Engine::sockets, waiting_, bed_.pinning(), kTime));
      cold_ring.add(run_pair(cold, Engine::io_uring, waiting_, bed_.pinning(), kTime));
    }
    const std::string full = "tcp." + name;
    const Series& raw = median(sockets.per_second) > median(ring.per_second) ? sockets : ring;
    const double of_cold = std::max(median(cold_sockets.per_second), median(cold_ring.per_second));
    print(full + ".raw.sockets", median(sockets.per_second), "iops");
    print(full + ".raw.io_uring", median(ring.per_second), "iops");
    raw.print_all(full + ".raw", row.bytes);
    for (const Way& way : ways) way.series.print_all(full + "." + way.name, row.bytes);
    print(full + ".of_limit", median(ways[1].series.per_second) / median(raw.per_second), "ratio");
    print(full + ".raw_cold.iops", of_cold, "iops");
    print(full + ".of_cold_limit", median(ways[1].series.per_second) / of_cold, "ratio");
    print(full + ".null_of_limit", median(ways[0].series.per_second) / median(raw.per_second), "ratio");
  }

  const Waiting waiting_;
  const Rows& rows_;
  bool filled_ = false;
  std::vector<std::byte> disk_ = std::vector<std::byte>(kDiskBytes + kMostAtOnce, std::byte{0x5A});
  TcpBed bed_{two_cpus(), waiting_ == Waiting::spinning ? std::optional<Duration>(kSpin) : std::nullopt};
};

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  const Rows rows(argc, argv);
  for (const auto waiting : {Waiting::sleeping, Waiting::spinning}) Bench(waiting, rows).run();
  return 0;
}
