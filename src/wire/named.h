// Tables from a code of the specification to its name.  For the .cc files of this folder.
#pragma once

#include <span>
#include <string_view>

namespace weft::wire {

template <class Code>
struct Named {
  Code value;
  std::string_view name;
};

inline constexpr std::string_view kUnknownName = "Unknown";

template <class Code>
constexpr std::string_view find_name(std::span<const Named<Code>> rows, Code code) {
  for (const auto& row : rows)
    if (row.value == code) return row.name;
  return kUnknownName;
}

}  // namespace weft::wire
