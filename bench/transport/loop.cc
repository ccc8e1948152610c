// loop [PREFIX...]: what the loop transport carries: 4 KiB at depths 1, 32 and 128, and streams of 128 KiB,
// on null, RAM disk and file, with host and target on two reactors of one process, which spin or sleep, and
// on one.  Lines of "name value unit"; only names that begin as a word says.  Besides, when both are on one
// reactor,
//
//   loop_one_thread.null.SHAPE_of_allowance    a 4 KiB command's time to 2.5 times that of a copy of 4 KiB
//                                              and 150 ns
//   loop_one_thread.file.SHAPE_of_fio          IOPS to those of fio with io_uring and the same file, by turns
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "transport/load.h"
#include "transport/report.h"
#include "transports/loop/transport.h"

namespace weft::bench {
namespace {

using cli::bench::Pattern;
using cli::bench::Workload;
using std::chrono::milliseconds;

struct Shape {
  const char* name;
  Workload workload;
};
constexpr std::uint32_t k4K = 4096;
constexpr std::uint32_t k128K = 128 * 1024;
constexpr Shape kShapes[] = {
    {"randread_4k_qd1", {.pattern = Pattern::randread, .block_bytes = k4K, .depth = 1}},
    {"randread_4k_qd32", {.pattern = Pattern::randread, .block_bytes = k4K, .depth = 32}},
    {"randread_4k_qd128", {.pattern = Pattern::randread, .block_bytes = k4K, .depth = 128}},
    {"randwrite_4k_qd1", {.pattern = Pattern::randwrite, .block_bytes = k4K, .depth = 1}},
    {"randwrite_4k_qd32", {.pattern = Pattern::randwrite, .block_bytes = k4K, .depth = 32}},
    {"randwrite_4k_qd128", {.pattern = Pattern::randwrite, .block_bytes = k4K, .depth = 128}},
    {"read_128k_qd32", {.pattern = Pattern::read, .block_bytes = k128K, .depth = 32}},
    {"write_128k_qd32", {.pattern = Pattern::write, .block_bytes = k128K, .depth = 32}},
};

constexpr double kAllowedCopies = 2.5;
constexpr double kAllowedNs = 150;
constexpr int kRounds = 3;

double copy_4k_ns() {
  constexpr std::size_t kPlaces = 32;  // as many as there are commands at once
  constexpr std::size_t kCopies = 1'000'000;
  std::vector<std::byte> from(kPlaces * k4K, std::byte{1});
  std::vector<std::byte> to(kPlaces * k4K);
  const auto began = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kCopies; ++i) {
    const std::size_t place = i % kPlaces * k4K;
    std::memcpy(to.data() + place, from.data() + place, k4K);
    // The compiler cannot know that nobody looks.
    asm volatile("" : : "r"(to.data()) : "memory");
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
  return took.count() / kCopies;
}

// IOPS of fio's random reads or writes of 4 KiB, on one thread.
double fio_iops(const std::string& file, const char* pattern, unsigned depth) {
  const std::string command = fmt::format(
      "fio --minimal --name=bench --filename={} --rw={} --bs=4k --iodepth={} --ioengine=io_uring --direct=1 "
      "--thread --norandommap --time_based --runtime=1",
      file, pattern, depth);
  const std::unique_ptr<FILE, int (*)(FILE*)> fio(::popen(command.c_str(), "r"), &::pclose);
  std::array<char, 8192> line{};
  if (fio == nullptr || std::fgets(line.data(), line.size(), fio.get()) == nullptr)
    give_up("fio is missing or failed; apt-get install fio");
  constexpr int kReadIops = 7;  // fields of its terse output, version 3
  constexpr int kWriteIops = 48;
  double iops = 0;
  int field = 0;
  for (const char* at = line.data(); at != nullptr; at = std::strchr(at, ';'), ++field) {
    if (*at == ';') ++at;
    if (field == kReadIops || field == kWriteIops) iops += std::strtod(at, nullptr);
  }
  return iops;
}

void compare_with_fio(const Rows& rows, host::Namespace& remote, const std::string& file, Loop& loop) {
  for (const auto& [pattern, name] :
       {std::pair{Pattern::randread, "randread"}, std::pair{Pattern::randwrite, "randwrite"}}) {
    std::vector<double> ours;
    std::vector<double> fio;
    constexpr unsigned kDepth = 32;
    const std::string prefix = fmt::format("loop_one_thread.file.{}_4k_qd{}", name, kDepth);
    if (!rows.has(prefix + "_of_fio")) continue;
    for (int round = 0; round < kRounds; ++round) {
      const Workload workload{.pattern = pattern, .block_bytes = k4K, .depth = kDepth};
      ours.push_back(measure({&remote}, workload, loop, loop, milliseconds(1000)).per_second);
      fio.push_back(fio_iops(file, name, kDepth));
    }
    print(prefix + "_fio", median(fio), "iops");
    print(prefix + "_of_fio", median(ours) / median(fio), "ratio");
  }
}

void over_loop(const Rows& rows, const std::string& prefix, unsigned count, std::optional<Duration> spin) {
  const auto reactors = must(reactor::Reactors::start({.count = count, .spin = spin, .name = "bench"}));
  Served served(*reactors);
  loop::LoopTransport transport(*reactors);
  auto listener = must(transport.listen({}, served.port()));
  for (const auto& backend : kBackends) {
    const auto remote = must(host::Namespace::open(
        *reactors, {.ways = {{&transport, host_options({"", "", kNqn}, 1)}}, .nsid = backend.nsid}));
    fill(*remote);
    for (const Shape& shape : kShapes) {
      const std::string name = fmt::format("{}.{}.{}", prefix, backend.name, shape.name);
      if (!rows.has(name)) continue;
      Loop& first = *reactors->all().front();
      Loop& last = *reactors->all().back();
      const Figures all = measure({remote.get()}, shape.workload, first, last, milliseconds(1000));
      const double cpu = all.host_cpu_s + (count > 1 ? all.target_cpu_s : 0);
      fmt::print("{} {:.0f} iops\n", name, all.per_second);
      fmt::print("{}_p50 {:.1f} us\n", name, static_cast<double>(all.times.quantile(0.5)) / 1000);
      fmt::print("{}_p99 {:.1f} us\n", name, static_cast<double>(all.times.quantile(0.99)) / 1000);
      fmt::print("{}_cpu {:.2f} us_per_command\n", name, cpu);
      if (count == 1 && backend.name == std::string_view("null") && shape.workload.block_bytes == k4K) {
        const double allowance = kAllowedCopies * copy_4k_ns() + kAllowedNs;
        print(name + "_of_allowance", 1e9 / all.per_second / allowance, "ratio");
      }
      (void)std::fflush(stdout);
    }
    if (count == 1 && backend.name == std::string_view("file"))
      compare_with_fio(rows, *remote, served.file(), *reactors->all().front());
  }
  listener.reset();
  served.stop();
  transport.shut_down();
  while (transport.connections() != 0) std::this_thread::sleep_for(milliseconds(1));
  reactors->stop();
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using std::chrono::milliseconds;
  const weft::bench::Rows rows(argc, argv);
  weft::bench::over_loop(rows, "loop_spin", 2, milliseconds(20));
  weft::bench::over_loop(rows, "loop", 2, std::nullopt);
  weft::bench::over_loop(rows, "loop_one_thread", 1, std::nullopt);
  return 0;
}
