#include "cli/bench/workload.h"

#include <algorithm>

namespace weft::cli::bench {

namespace {

constexpr PatternName kPatterns[] = {
    {"read", Pattern::read, false, true, false},
    {"write", Pattern::write, false, false, true},
    {"rw", Pattern::rw, false, true, true},
    {"randread", Pattern::randread, true, true, false},
    {"randwrite", Pattern::randwrite, true, false, true},
    {"randrw", Pattern::randrw, true, true, true},
};

}  // namespace

const PatternName* find_pattern(std::string_view name) {
  const auto* const row = std::ranges::find(kPatterns, name, &PatternName::name);
  return row == std::end(kPatterns) ? nullptr : row;
}

const PatternName& pattern_row(Pattern pattern) {
  return *std::ranges::find(kPatterns, pattern, &PatternName::pattern);
}

}  // namespace weft::cli::bench
