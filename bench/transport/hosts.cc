// hosts [PREFIX...]: what hosts cost by being there, over NVMe/TCP with null, both sides sleeping when there
// is nothing to do.  Lines of "name value unit"; only those whose names begin as a word says, without
// "hosts.".
//
//   hosts.connect.FIGURE       an admin queue and an I/O queue each, 16 hosts at once, none refused
//   hosts.idle.FIGURE          100 connected hosts that do nothing
//   hosts.low_rate.FIGURE      1,000 reads of 4 KiB a second, one at a time, and the bare pair at the same
//   hosts.one_busy.FIGURE      the target's CPU time for a read of one busy host, alone and among 1,000
//   hosts.all_busy.FIGURE      1,000 hosts that all have one read under way, and the bare pair's 1,000
//   connections
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/session.h"
#include "transport/report.h"
#include "transport/tcp_bed.h"

namespace weft::bench {
namespace {

using cli::bench::Pattern;
using cli::bench::Workload;
using std::chrono::milliseconds;
using Namespaces = std::vector<std::unique_ptr<host::Namespace>>;

constexpr int kRounds = 3;
constexpr Nsid kNull = kBackends[0].nsid;
constexpr unsigned kMany = 1000;
constexpr Workload kRead{.pattern = Pattern::randread, .block_bytes = 4096, .depth = 1};

template <class Work>
void on_threads(unsigned threads, unsigned count, const Work& work) {
  std::atomic<unsigned> next{0};
  std::vector<std::thread> all;
  for (unsigned i = 0; i < threads; ++i)
    all.emplace_back([&] {
      for (unsigned number = next++; number < count; number = next++) work(number);
    });
  for (std::thread& each : all) each.join();
}

Namespaces open_many(TcpBed& bed, unsigned count) {
  Namespaces all(count);
  on_threads(16, count, [&](unsigned i) { all[i] = bed.open(kNull, 1, i + 1); });
  return all;
}

void close_many(Namespaces& all) {
  on_threads(16, static_cast<unsigned>(all.size()), [&](unsigned i) { all[i].reset(); });
}

struct ByTurns {
  Series first;
  Series second;
};

// So many rounds of both; prints them as "hosts.NAME".
template <class First, class Second>
ByTurns by_turns(const char* first_name, const First& first, const char* second_name, const Second& second) {
  ByTurns both;
  for (int round = 0; round < kRounds; ++round) {
    both.first.add(first());
    both.second.add(second());
  }
  both.first.print_all(fmt::format("hosts.{}", first_name), kRead.block_bytes);
  both.second.print_all(fmt::format("hosts.{}", second_name), kRead.block_bytes);
  return both;
}

void connect(TcpBed& bed) {
  std::vector<double> per_second;
  std::atomic<unsigned> refused{0};
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::unique_ptr<host::Session>> sessions(kMany);
    const auto began = std::chrono::steady_clock::now();
    on_threads(16, kMany, [&](unsigned i) {
      auto session = host::Session::connect(bed.hosts(), bed.initiator(), bed.options(1, i + 1));
      if (session && (*session)->io_queues() == 1)
        sessions[i] = std::move(*session);
      else
        ++refused;
    });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    per_second.push_back(kMany / took.count());
    on_threads(16, kMany, [&](unsigned i) { sessions[i].reset(); });
  }
  print("hosts.connect.rate", median(per_second), "per_second");
  print("hosts.connect.refused", refused, "hosts");
}

void idle(TcpBed& bed) {
  Namespaces all = open_many(bed, 100);
  const auto time = std::chrono::seconds(5);
  const double before = cpu_s(bed.target());
  std::this_thread::sleep_for(time);
  const double used = cpu_s(bed.target()) - before;
  print("hosts.idle.target_cpu", 100 * used / std::chrono::duration<double>(time).count(), "percent");
  close_many(all);
}

void low_rate(TcpBed& bed) {
  const auto remote = bed.open(kNull);
  Workload load = kRead;
  load.rate = 1000;
  const auto [raw, weft] = by_turns(
      "low_rate.raw",
      [&] {
        return run_pair({.rate = 1000}, Engine::sockets, Waiting::sleeping, bed.pinning(),
                        milliseconds(2000));
      },
      "low_rate.null",
      [&] { return measure({remote.get()}, load, bed.host(), bed.target(), milliseconds(2000)); });
  print("hosts.low_rate.cpu_of_limit",
        (median(weft.host_cpu) + median(weft.target_cpu)) / (median(raw.host_cpu) + median(raw.target_cpu)),
        "ratio");
}

void one_busy(TcpBed& bed) {
  const auto busy = bed.open(kNull);
  Workload load = kRead;
  load.depth = 32;
  const auto run = [&] { return measure({busy.get()}, load, bed.host(), bed.target(), milliseconds(1000)); };
  const auto [alone, among] = by_turns("one_busy.alone", run, "one_busy.among_1000", [&] {
    Namespaces others = open_many(bed, kMany - 1);
    Figures figures = run();
    close_many(others);
    return figures;
  });
  print("hosts.one_busy.cost", median(among.target_cpu) / median(alone.target_cpu), "ratio");
}

void all_busy(TcpBed& bed) {
  Namespaces all = open_many(bed, kMany);
  std::vector<host::Namespace*> each;
  for (const auto& one : all) each.push_back(one.get());
  const auto [raw, weft] = by_turns(
      "all_busy.raw",
      [&] {
        return run_pair({.connections = kMany}, Engine::sockets, Waiting::sleeping, bed.pinning(),
                        milliseconds(1000));
      },
      "all_busy.null", [&] { return measure(each, kRead, bed.host(), bed.target(), milliseconds(1000)); });
  print("hosts.all_busy.of_limit", median(weft.per_second) / median(raw.per_second), "ratio");
  close_many(all);
}

constexpr struct {
  std::string_view name;
  void (*run)(TcpBed& bed);
} kParts[] = {{"connect", &connect},
              {"idle", &idle},
              {"low_rate", &low_rate},
              {"one_busy", &one_busy},
              {"all_busy", &all_busy}};

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (!words.empty() && words[0].starts_with("-")) {
    fmt::print(stderr, "usage: hosts [PREFIX...]\n");
    return words[0] == "--help" ? 0 : 2;
  }
  TcpBed bed(two_cpus());
  for (const auto& part : kParts)
    if (words.empty() || std::ranges::any_of(words, [&](auto word) { return part.name.starts_with(word); }))
      part.run(bed);
  return 0;
}
