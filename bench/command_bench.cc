// One command's way through the target: from the capsule through a backend to the completion, without a
// transport and without threads.  Time and allocations are for each command.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "backends/null/null.h"
#include "backends/ramdisk/ramdisk.h"
#include "base/test_bare_loop.h"
#include "bench/count_allocations.h"
#include "fabric/fake_host.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"

namespace weft::bench {
namespace {

constexpr const char* kNqn = "nqn.2014-08.org.weft:bench";
constexpr Nsid kNsid{1};
constexpr std::uint32_t kBlockBytes = 4096;
constexpr std::uint64_t kBlocks = 16384;  // 64 MiB: beyond the caches
constexpr std::uint64_t kStep = 4099;     // visits all of them in an order that prefetching does not guess

enum Medium : std::int64_t { kNull, kRam };
enum Command : std::int64_t { kRead, kWrite, kWriteInCapsule, kFlush };

template <class T>
T must(Result<T> result) {
  if (!result) std::abort();
  return std::move(*result);
}

class Bed {
 public:
  Bed(Medium medium, std::uint32_t blocks) : blocks_(blocks), data_(std::size_t{blocks} * kBlockBytes) {
    const block::Plugin plugin =
        medium == kRam ? backends::make_ramdisk_plugin(budget_) : backends::make_null_plugin();
    auto backend = must(plugin.open(
        {.name = "bench_0/disk", .serial = {}, .control = {{"size", "64M"}, {"block_size", "4096"}}}));
    subsystem_ = must(target_.add_subsystem(kNqn));
    if (!subsystem_->change_settings([](target::SubsystemSettings& settings) {
          settings.allow_any_host = true;
          return Result<>();
        }) ||
        !subsystem_->add_namespace(kNsid, {.backend = std::move(backend)}))
      std::abort();
    port_ = must(target_.add_port({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "4420"}));
    port_->link(subsystem_);
    host_ = std::make_unique<fabric::FakeHost>(
        loops_.loop(), *port_, [this] { return loops_.loop().run_turn(); },
        fabric::FakeHost::Options{.subnqn = kNqn});
    if (!host_->connect().ok() || !host_->connect_io(Qid(1), loops_.loop()).ok()) std::abort();
  }
  ~Bed() {
    host_.reset();
    (void)target_.remove_subsystem(kNqn, [] {});
    subsystem_.reset();
    loops_.loop().run_until_idle();
  }

  // `depth` of them at once.
  void batch(Command command, std::int64_t depth) {
    for (std::int64_t i = 0; i < depth; ++i) submit(command);
    loops_.loop().run_until_idle();
  }
  void touch_all() {
    for (std::uint64_t i = 0; i < kBlocks / blocks_; ++i) batch(kWrite, 1);
  }
  std::uint64_t failed() const { return failed_; }

 private:
  void submit(Command command) {
    const wire::LbaRange range{.slba = at_, .blocks = blocks_};
    at_ = (at_ + kStep * blocks_) % kBlocks;
    fabric::HostData data;
    if (command == kRead)
      data.in = data_;
    else if (command != kFlush)
      data.out = data_;
    if (command == kWriteInCapsule) data.pointer = fabric::HostData::Pointer::capsule;
    const wire::Sqe sqe = command == kRead    ? wire::make_read({.nsid = kNsid, .range = range})
                          : command == kFlush ? wire::make_flush({.nsid = kNsid})
                                              : wire::make_write({.nsid = kNsid, .range = range});
    host_->io(Qid(1)).submit(sqe, data).when_finished(
        [](fabric::Exchange& exchange, void* context) noexcept {
          Bed& bed = *static_cast<Bed*>(context);
          if (!exchange.completed() || !exchange.status().ok()) ++bed.failed_;
          bed.host_->io(Qid(1)).release(exchange);
        },
        this);
  }

  const std::uint32_t blocks_;
  std::vector<std::byte> data_;
  backends::RamBudget budget_{std::uint64_t{1} << 30};
  BareLoops loops_;
  target::Target target_{loops_};
  std::shared_ptr<target::Subsystem> subsystem_;
  std::shared_ptr<target::Port> port_;
  std::unique_ptr<fabric::FakeHost> host_;
  std::uint64_t at_ = 0;
  std::uint64_t failed_ = 0;
};

void command(benchmark::State& state, Medium medium, Command command) {
  const std::int64_t depth = state.range(0);
  const auto blocks = static_cast<std::uint32_t>(state.range(1) / kBlockBytes);
  Bed bed(medium, blocks);
  if (medium == kRam) bed.touch_all();
  for (int i = 0; i < 3; ++i) bed.batch(command, depth);  // slabs and pools grow to what is needed
  const std::uint64_t before = allocations();
  while (state.KeepRunningBatch(depth)) bed.batch(command, depth);
  const std::uint64_t made = allocations() - before;
  state.counters["allocations"] =
      benchmark::Counter(static_cast<double>(made), benchmark::Counter::kAvgIterations);
  if (command != kFlush) state.SetBytesProcessed(state.iterations() * state.range(1));
  if (bed.failed() != 0) state.SkipWithError("commands failed");
}

void depths(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"depth", "bytes"})->Args({1, 4096})->Args({32, 4096})->Args({32, 131072});
}
BENCHMARK_CAPTURE(command, null_read, kNull, kRead)->Apply(depths);
BENCHMARK_CAPTURE(command, null_write, kNull, kWrite)->Apply(depths);
BENCHMARK_CAPTURE(command, null_write_in_capsule, kNull, kWriteInCapsule)
    ->ArgNames({"depth", "bytes"})
    ->Args({32, 4096});
BENCHMARK_CAPTURE(command, null_flush, kNull, kFlush)->ArgNames({"depth", "bytes"})->Args({32, 4096});
BENCHMARK_CAPTURE(command, ramdisk_read, kRam, kRead)->Apply(depths);
BENCHMARK_CAPTURE(command, ramdisk_write, kRam, kWrite)->Apply(depths);

}  // namespace
}  // namespace weft::bench
