// One run of a load on a target: connect, warm up, measure, read back what was written.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "base/result.h"
#include "cli/bench/generator.h"
#include "cli/remote_options.h"

namespace weft::cli::bench {

struct LoadOptions {
  Workload workload;
  std::uint16_t queues = 1;  // of each job
  unsigned jobs = 1;         // controllers
  std::chrono::duration<double> time{10};
  std::chrono::duration<double> warm_up{1};
  std::optional<std::uint64_t> size;  // bytes of the namespace, from its start; empty: all of it
};

struct Measured {
  Histogram latency;  // ns
  std::uint64_t bytes = 0;
};
struct LoadResult {
  std::chrono::duration<double> took{};
  Measured reads;
  Measured writes;
  std::chrono::duration<double> host_cpu{};
  std::chrono::duration<double> own_cost{};                 // of one command: see own_cost.h
  std::optional<std::chrono::duration<double>> target_cpu;  // of a target on this machine
  std::uint64_t verified = 0;                               // blocks that were checked
  unsigned losses = 0;
  std::chrono::duration<double> longest_pause{};  // in which a queue ended no command
};

// Blocks.  An error is of the connection, a command, or what was found wrong.
Result<std::unique_ptr<LoadResult>> run_load(Remotes& remotes, const RemoteName& target,
                                             const LoadOptions& options, bool shows_progress);

}  // namespace weft::cli::bench
