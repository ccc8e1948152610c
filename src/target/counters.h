// What a queue has done: written by its loop, read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace weft::target {

// One writer; a plain load and store cost what an integer costs.
class Counter {
 public:
  void add(std::uint64_t count) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

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
