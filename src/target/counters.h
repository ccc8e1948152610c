// What a queue has done: written by its loop, read by any.
#pragma once

#include <cstdint>

#include "base/counter.h"

namespace weft::target {

struct QueueCounters {
  Counter commands;  // received
  Counter errors;    // completed with an error
  Counter reads;
  Counter writes;
  Counter read_bytes;
  Counter written_bytes;
};

// Sums, for queues that have ended and for logs.
struct IoTotals {
  std::uint64_t commands = 0, errors = 0, reads = 0, writes = 0, read_bytes = 0, written_bytes = 0;
  void add(const QueueCounters& queue) {
    commands += queue.commands.value();
    errors += queue.errors.value();
    reads += queue.reads.value();
    writes += queue.writes.value();
    read_bytes += queue.read_bytes.value();
    written_bytes += queue.written_bytes.value();
  }
};

}  // namespace weft::target
