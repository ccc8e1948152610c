// What happened in a run: a hash over all of it, the same for the same seed, and the last lines in words.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace weft::sim {

class Trace {
 public:
  // `echo`: print each line as it comes.
  explicit Trace(bool echo) : echo_(echo) {}

  void mix(std::uint64_t word) {
    for (int i = 0; i < 8; ++i, word >>= 8) hash_ = (hash_ ^ (word & 0xff)) * 0x100000001b3;
  }
  // `at`: since the begin of the run.
  void note(std::int64_t at_ns, std::string line);

  std::uint64_t hash() const { return hash_; }
  const std::deque<std::string>& last() const { return last_; }

 private:
  static constexpr std::size_t kMostLines = 200;
  const bool echo_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::deque<std::string> last_;
};

}  // namespace weft::sim
