#include "backends/fd/let_go.h"

#include <chrono>
#include <thread>

namespace weft::backends {

namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 1s;
constexpr auto kPause = 10ms;

}  // namespace

bool until_let_go(const std::function<bool()>& attempt) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!attempt()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

}  // namespace weft::backends
