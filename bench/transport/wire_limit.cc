// The raw limit of a loopback connection here (wire_pair.h), by each engine, spinning and sleeping, on any
// CPUs.  Lines of "name value unit".
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "transport/wire_pair.h"

namespace {

using namespace weft::bench;

constexpr struct {
  const char* name;
  PairShape shape;
} kRows[] = {
    {"read_4k_qd1", {.depth = 1}},
    {"read_4k_qd32", {.depth = 32}},
    {"read_4k_qd128", {.depth = 128}},
    {"write_4k_qd1", {.read_percent = 0, .depth = 1}},
    {"write_4k_qd32", {.read_percent = 0, .depth = 32}},
    {"write_4k_qd128", {.read_percent = 0, .depth = 128}},
    {"read_128k_qd32", {.bytes = 131072, .depth = 32}},
    {"write_128k_qd32", {.bytes = 131072, .read_percent = 0, .depth = 32}},
};

}  // namespace

int main() {
  for (const auto& row : kRows) {
    double limit = 0;
    for (const auto& [engine, waiting, name] :
         {std::tuple{Engine::sockets, Waiting::spinning, "sockets_spin"},
          std::tuple{Engine::sockets, Waiting::sleeping, "sockets_sleep"},
          std::tuple{Engine::io_uring, Waiting::spinning, "io_uring_spin"},
          std::tuple{Engine::io_uring, Waiting::sleeping, "io_uring_sleep"}}) {
      const double got =
          run_pair(row.shape, engine, waiting, std::nullopt, std::chrono::milliseconds(500)).per_second;
      fmt::print("wire_limit.{}.{} {:.0f} iops\n", name, row.name, got);
      limit = std::max(limit, got);
    }
    fmt::print("wire_limit.{} {:.0f} iops\n", row.name, limit);
  }
  return 0;
}
