// What a load costs by itself: the same commands against a target in this process that does nothing.
#pragma once

#include <chrono>

#include "base/result.h"
#include "cli/bench/workload.h"

namespace weft::cli::bench {

// CPU time of one command of such a load on one queue, over a loop port to a null disk, with what that target
// takes: this host costs no more.  Blocks for about `time`, on a reactor of its own.
Result<std::chrono::duration<double>> measure_own_cost(const Workload& workload,
                                                       std::chrono::duration<double> time);

}  // namespace weft::cli::bench
