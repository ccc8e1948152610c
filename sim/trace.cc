#include "sim/trace.h"

#include <fmt/format.h>

#include <utility>

namespace weft::sim {

void Trace::note(std::int64_t at_ns, std::string line) {
  constexpr double kPerMs = 1e6;
  mix(static_cast<std::uint64_t>(at_ns));
  for (const char c : line) mix(static_cast<unsigned char>(c));
  line = fmt::format("{:12.3f} ms  {}", static_cast<double>(at_ns) / kPerMs, line);
  if (echo_) fmt::print("{}\n", line);
  last_.push_back(std::move(line));
  if (last_.size() > kMostLines) last_.pop_front();
}

}  // namespace weft::sim
