// Random numbers from one seed (xoshiro256**).  Not for keys: those come from the system.
#pragma once

#include <cstdint>

namespace weft {

class Dice {
 public:
  explicit Dice(std::uint64_t seed);
  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound);  // 0 to bound - 1; bound > 0
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_[4];
};

}  // namespace weft
