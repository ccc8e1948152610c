// What a transport carries: 4 KiB at depths 1, 32 and 128, and streams of 128 KiB, on null and RAM disk, in
// lines of "name value unit".
//
//   transport tcp     a host and a target on a reactor each, over a loopback connection
//   transport loop    the same two reactors in one process; and host and target on one reactor
#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "backends/null/null.h"
#include "backends/ramdisk/ram_budget.h"
#include "backends/ramdisk/ramdisk.h"
#include "cli/bench/cpu.h"
#include "cli/bench/generator.h"
#include "host/namespace.h"
#include "reactor/reactor.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"
#include "transports/loop/transport.h"
#include "transports/tcp/initiator.h"
#include "transports/tcp/transport.h"

namespace weft::bench {
namespace {

using cli::bench::Generator;
using cli::bench::Pattern;
using cli::bench::Run;
using std::chrono::milliseconds;

constexpr const char* kNqn = "nqn.2024-01.weft.bench:transport";
constexpr auto kWarmUp = milliseconds(200);
constexpr auto kTime = milliseconds(1000);

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "transport: {}\n", result.error().message);
  std::exit(1);
}

std::unique_ptr<reactor::Reactors> start_reactors(unsigned count) {
  return must(reactor::Reactors::start({.count = count, .name = "bench"}));
}

// A target of two namespaces: null and RAM disk.
class Served {
 public:
  explicit Served(reactor::Reactors& reactors) : target_(reactors) {
    port_ = must(target_.add_port({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "0"}));
    subsystem_ = must(target_.add_subsystem(kNqn));
    (void)subsystem_->change_settings([](target::SubsystemSettings& settings) -> Result<> {
      settings.allow_any_host = true;
      return {};
    });
    const auto null = backends::make_null_plugin();
    const auto ram = backends::make_ramdisk_plugin(budget_);
    (void)subsystem_->add_namespace(Nsid(1),
                                    {.backend = must(null.open({"null_0/bench", {}, {{"size", "256M"}}}))});
    (void)subsystem_->add_namespace(Nsid(2),
                                    {.backend = must(ram.open({"rd_mcp_0/bench", {}, {{"size", "256M"}}}))});
    port_->link(subsystem_);
  }
  void stop() {
    (void)target_.shut_down(std::chrono::seconds(10));
    (void)target_.remove_subsystem(kNqn, [] {});
    subsystem_.reset();
  }
  target::Port& port() { return *port_; }

 private:
  backends::RamBudget budget_{backends::RamBudget::default_limit()};
  target::Target target_;
  std::shared_ptr<target::Port> port_;
  std::shared_ptr<target::Subsystem> subsystem_;
};

struct Shape {
  const char* name;
  Pattern pattern;
  std::uint32_t bytes;
  unsigned depth;
};
constexpr Shape kShapes[] = {
    {"randread_4k_qd1", Pattern::randread, 4096, 1},
    {"randread_4k_qd32", Pattern::randread, 4096, 32},
    {"randread_4k_qd128", Pattern::randread, 4096, 128},
    {"randwrite_4k_qd1", Pattern::randwrite, 4096, 1},
    {"randwrite_4k_qd32", Pattern::randwrite, 4096, 32},
    {"randwrite_4k_qd128", Pattern::randwrite, 4096, 128},
    {"read_128k_qd32", Pattern::read, 128 * 1024, 32},
    {"write_128k_qd32", Pattern::write, 128 * 1024, 32},
};

void measure(const std::string& prefix, host::Namespace& remote, const Shape& shape) {
  Run run;
  run.workload = {.pattern = shape.pattern, .block_bytes = shape.bytes, .depth = shape.depth};
  const host::NamespaceInfo& info = remote.info();
  Generator generator(run, remote.io_queue(0), info, 0, info.bytes() / shape.bytes, 1, 0);
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  generator.start([&] {
    const std::scoped_lock lock(mutex);
    ended = true;
    changed.notify_all();
  });
  std::this_thread::sleep_for(kWarmUp);
  const auto cpu = cli::bench::own_cpu();
  run.measures = true;
  std::this_thread::sleep_for(kTime);
  run.measures = false;
  const double used = (cli::bench::own_cpu() - cpu).count();
  run.stops = true;
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ended; });
  }
  if (!generator.failure().empty()) must(Result<int>(fail(EIO, generator.failure())));
  Histogram times = generator.reads();
  times.add(generator.writes());
  const double seconds = std::chrono::duration<double>(kTime).count();
  const auto count = static_cast<double>(times.count());
  const std::string name = fmt::format("{}.{}", prefix, shape.name);
  fmt::print("{} {:.0f} iops\n", name, count / seconds);
  fmt::print("{}_p50 {:.1f} us\n", name, static_cast<double>(times.quantile(0.5)) / 1000);
  fmt::print("{}_p99 {:.1f} us\n", name, static_cast<double>(times.quantile(0.99)) / 1000);
  fmt::print("{}_cpu {:.2f} us_per_command\n", name, count > 0 ? used * 1e6 / count : 0);
  (void)std::fflush(stdout);
}

void measure_all(const std::string& prefix, Loops& loops, fabric::Initiator& initiator,
                 const host::Address& address) {
  const host::Options options{.identity = {.nqn = "nqn.2024-01.weft.bench:host", .id = {1}},
                              .address = address,
                              .queue_entries = 129};
  for (const auto& [nsid, backend] : {std::pair{1u, "null"}, std::pair{2u, "ramdisk"}}) {
    const auto remote =
        must(host::Namespace::open(loops, {.ways = {{&initiator, options}}, .nsid = Nsid(nsid)}));
    for (const Shape& shape : kShapes) measure(fmt::format("{}.{}", prefix, backend), *remote, shape);
  }
}

void over_tcp() {
  const auto there = start_reactors(1);
  Served served(*there);
  tcp::TcpTransport transport(*there, {});
  auto listener = must(transport.listen({.traddr = "127.0.0.1", .trsvcid = "0"}, served.port()));
  {
    const auto here = start_reactors(1);
    tcp::TcpInitiator initiator(*here);
    measure_all("tcp", *here, initiator, {"127.0.0.1", listener->trsvcid(), kNqn});
    here->stop();
  }
  listener.reset();
  served.stop();
  transport.shut_down();
  while (transport.connections() != 0) std::this_thread::sleep_for(milliseconds(1));
  there->stop();
}

void over_loop(const char* prefix, unsigned reactors) {
  const auto both = start_reactors(reactors);
  Served served(*both);
  loop::LoopTransport transport(*both);
  auto listener = must(transport.listen({}, served.port()));
  measure_all(prefix, *both, transport, {"", "", kNqn});
  listener.reset();
  served.stop();
  transport.shut_down();
  while (transport.connections() != 0) std::this_thread::sleep_for(milliseconds(1));
  both->stop();
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  const std::string_view which = argc == 2 ? argv[1] : "";
  if (which == "tcp") {
    weft::bench::over_tcp();
  } else if (which == "loop") {
    weft::bench::over_loop("loop", 2);
    weft::bench::over_loop("loop_one_thread", 1);
  } else {
    fmt::print(stderr, "usage: transport tcp|loop\n");
    return 2;
  }
  return 0;
}
