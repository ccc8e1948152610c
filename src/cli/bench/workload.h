// What a load does, and the order in which it touches blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/dice.h"

namespace weft::cli::bench {

enum class Pattern : std::uint8_t { read, write, randread, randwrite, randrw, rw };

struct PatternName {
  std::string_view name;
  Pattern pattern;
  bool random;
  bool reads;
  bool writes;
};
const PatternName* find_pattern(std::string_view name);  // null: there is none of that name
const PatternName& pattern_row(Pattern pattern);

struct Workload {
  Pattern pattern = Pattern::randread;
  std::uint32_t block_bytes = 4096;  // of one command
  unsigned depth = 32;               // of each queue
  unsigned read_percent = 50;        // of a mix
  std::uint64_t rate = 0;            // commands a second, of all; 0: as many as go
  bool verify = false;
  std::uint64_t seed = 1;
};

// Blocks [first, first + count) of one generator.  Belongs to its loop.
class Places {
 public:
  Places(bool random, std::uint64_t first, std::uint64_t count, std::uint64_t seed)
      : random_(random), first_(first), count_(count), dice_(seed) {}
  std::uint64_t next() {
    if (random_) return first_ + dice_.below(count_);
    const std::uint64_t at = next_;
    next_ = (next_ + 1) % count_;
    return first_ + at;
  }
  bool reads(unsigned percent) { return dice_.below(100) < percent; }

 private:
  const bool random_;
  const std::uint64_t first_;
  const std::uint64_t count_;
  std::uint64_t next_ = 0;
  Dice dice_;
};

}  // namespace weft::cli::bench
