// Two bare threads that only move the bytes that NVMe/TCP commands move, in the same pattern, each answering
// all that one receive brought with one send: the limit of what a loopback connection carries here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/histogram.h"

namespace weft::bench {

struct PairShape {
  std::size_t bytes = 4096;     // of data in each command
  unsigned read_percent = 100;  // in a fixed order
  unsigned depth = 1;           // commands under way on each connection
  unsigned connections = 1;
  unsigned rate = 0;  // commands a second, for sleeping sockets at depth 1; 0: as many as go
  // Where the target's bytes come from and go to, at random places, as with a disk; at least kMostAtOnce more
  // than its caches hold.  Empty: always the same few, which stay in a cache.
  std::span<std::byte> disk{};
};

inline constexpr std::size_t kMostAtOnce = std::size_t{4} << 20;  // of one send or receive

enum class Engine : std::uint8_t { sockets, io_uring };  // non-blocking sockets, asked again or by epoll
enum class Waiting : std::uint8_t { spinning, sleeping };

struct Figures {
  double per_second = 0;
  Histogram times;        // ns
  double host_cpu_s = 0;  // of a million commands
  double target_cpu_s = 0;
};

// The host's thread and the target's are pinned to these CPUs.
struct Pinning {
  unsigned host = 1;
  unsigned target = 0;
};

Figures run_pair(const PairShape& shape, Engine engine, Waiting waiting, std::optional<Pinning> pinning,
                 std::chrono::milliseconds time);

double thread_cpu_s();  // of the caller

}  // namespace weft::bench
