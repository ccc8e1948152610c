// Counts what passes: operations, bytes, errors, latencies, what is in flight.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "block/filter.h"
#include "block/op_counters.h"

namespace weft::block {

inline constexpr std::size_t kLatencyBuckets = 24;

struct OpStats : OpTotals {
  // By the loop's time: [0] below 1 us, [n] below 2^n us, the last one all others.
  std::array<std::uint64_t, kLatencyBuckets> latency{};
};

struct StatsSnapshot {
  std::array<OpStats, kOps> ops;  // by Op
  std::uint64_t in_flight = 0;
  const OpStats& of(Op op) const { return ops[static_cast<std::size_t>(op)]; }
};

class StatsChannel;

class StatsBackend final : public FilterBackend {
 public:
  explicit StatsBackend(std::shared_ptr<Backend> lower);
  ~StatsBackend() override;

  std::unique_ptr<Channel> open_channel(Loop& loop) override;
  std::string info() const override;

  // Any thread.  The numbers of channels that closed stay in it.
  StatsSnapshot snapshot() const;

 private:
  friend class StatsChannel;

  mutable std::mutex mutex_;
  List<StatsChannel> channels_;
  StatsSnapshot departed_;
};

}  // namespace weft::block
