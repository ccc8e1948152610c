// Benchmarks end at once when what they stand on cannot be made.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace weft::bench {

[[noreturn]] inline void give_up(const std::string& why) {
  fmt::print(stderr, "bench: {}\n", why);
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline void must(bool right) {
  if (!right) give_up("a command failed");
}

}  // namespace weft::bench
