// One command's way through the target: from the capsule through a backend to the completion, without a
// transport and without threads.  Time and allocations are for each command.
#include <benchmark/benchmark.h>

#include "bench/count_allocations.h"
#include "bench/target_bed.h"

namespace weft::bench {
namespace {

void command(benchmark::State& state, Medium medium, Command command) {
  const std::int64_t depth = state.range(0);
  const auto blocks = static_cast<std::uint32_t>(state.range(1) / TargetBed::kBlockBytes);
  TargetBed bed(medium, blocks);
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
