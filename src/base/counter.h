// Counts what one thread does, for any to read.
#pragma once

#include <atomic>
#include <cstdint>

namespace weft {

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

}  // namespace weft
