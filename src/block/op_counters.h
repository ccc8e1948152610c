// Counts the answers of a backend by kind of operation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"
#include "block/request.h"

namespace weft::block {

inline constexpr std::size_t kOps = 5;  // of Op

struct OpTotals {
  std::uint64_t done = 0;    // answered, failed ones too
  std::uint64_t errors = 0;  // of those
  std::uint64_t bytes = 0;   // of those without error; 0 for flush
};

// Written by one loop alone, read by any thread.
class OpCounters {
 public:
  void count(const Request& answered, std::uint32_t block_bytes) {
    if (answered.error != 0)
      errors_.add(1);
    else
      bytes_.add(answered.blocks * block_bytes);
    done_.add(1);
  }
  void add_to(OpTotals& sum) const {
    sum.done += done_.value();
    sum.errors += errors_.value();
    sum.bytes += bytes_.value();
  }

 private:
  Counter done_;
  Counter errors_;
  Counter bytes_;
};

struct IoTotals {
  std::array<OpTotals, kOps> ops;  // by Op
  const OpTotals& of(Op op) const { return ops[static_cast<std::size_t>(op)]; }
};

// What one loop has had done by a backend.  Shares no cache line with another's.
class alignas(64) LoopCounters {
 public:
  void count(const Request& answered, std::uint32_t block_bytes) {  // on that loop
    ops_[static_cast<std::size_t>(answered.op)].count(answered, block_bytes);
  }
  void add_to(IoTotals& sum) const {  // any thread
    for (std::size_t op = 0; op < kOps; ++op) ops_[op].add_to(sum.ops[op]);
  }

 private:
  std::array<OpCounters, kOps> ops_;
};

}  // namespace weft::block
