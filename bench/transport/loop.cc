// What the loop transport carries: 4 KiB at depths 1, 32 and 128, and streams of 128 KiB, on null, RAM
// disk and file, with host and target on two reactors of one process, and on one.  Lines of "name value
// unit".
#include <cstdio>
#include <string>
#include <thread>

#include "transport/load.h"
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

void over_loop(const std::string& prefix, unsigned count) {
  const auto reactors = must(reactor::Reactors::start({.count = count, .name = "bench"}));
  Served served(*reactors);
  loop::LoopTransport transport(*reactors);
  auto listener = must(transport.listen({}, served.port()));
  for (const auto& backend : kBackends) {
    const auto remote = must(host::Namespace::open(
        *reactors, {.ways = {{&transport, host_options({"", "", kNqn}, 1)}}, .nsid = backend.nsid}));
    fill(*remote);
    for (const Shape& shape : kShapes) {
      Loop& first = *reactors->all().front();
      Loop& last = *reactors->all().back();
      const Figures all = measure({remote.get()}, shape.workload, first, last, milliseconds(1000));
      const double cpu = all.host_cpu_s + (count > 1 ? all.target_cpu_s : 0);
      const std::string name = fmt::format("{}.{}.{}", prefix, backend.name, shape.name);
      fmt::print("{} {:.0f} iops\n", name, all.per_second);
      fmt::print("{}_p50 {:.1f} us\n", name, static_cast<double>(all.times.quantile(0.5)) / 1000);
      fmt::print("{}_p99 {:.1f} us\n", name, static_cast<double>(all.times.quantile(0.99)) / 1000);
      fmt::print("{}_cpu {:.2f} us_per_command\n", name, cpu);
      (void)std::fflush(stdout);
    }
  }
  listener.reset();
  served.stop();
  transport.shut_down();
  while (transport.connections() != 0) std::this_thread::sleep_for(milliseconds(1));
  reactors->stop();
}

}  // namespace
}  // namespace weft::bench

int main() {
  weft::bench::over_loop("loop", 2);
  weft::bench::over_loop("loop_one_thread", 1);
  return 0;
}
