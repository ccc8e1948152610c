#include "block/stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace weft::block {

namespace {

struct TimedRequest : ChildRequest {
  Time start;
};

std::size_t bucket_of(Duration latency) {
  const auto us =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(latency).count());
  return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(us)), kLatencyBuckets - 1);
}

}  // namespace

class StatsChannel final : public FilterChannel<TimedRequest>, public ListHook<> {
 public:
  StatsChannel(Loop& loop, StatsBackend& backend, Backend& lower_backend)
      : FilterChannel(loop, lower_backend),
        backend_(backend),
        block_bytes_(lower_backend.geometry().block_bytes) {
    const std::scoped_lock lock(backend_.mutex_);
    backend_.channels_.push_back(*this);
  }
  ~StatsChannel() override {
    const std::scoped_lock lock(backend_.mutex_);
    add_to(backend_.departed_);
    backend_.channels_.erase(backend_.channels_.iterator_to(*this));
  }

  void submit(Request& request) override {
    TimedRequest& child = adopt(request);
    child.start = loop().now();
    submitted_.add(1);
    pass_down(child);
  }

  void add_to(StatsSnapshot& sum) const {
    std::uint64_t answered = 0;
    for (std::size_t op = 0; op < kOps; ++op) {
      OpTotals totals;
      ops_[op].add_to(totals);
      answered += totals.done;
      sum.ops[op].done += totals.done;
      sum.ops[op].errors += totals.errors;
      sum.ops[op].bytes += totals.bytes;
      for (std::size_t i = 0; i < kLatencyBuckets; ++i) sum.ops[op].latency[i] += latency_[op][i].value();
    }
    const std::uint64_t submitted = submitted_.value();
    if (submitted > answered) sum.in_flight += submitted - answered;
  }

 private:
  void on_done(TimedRequest& child) override {
    const auto op = static_cast<std::size_t>(child.op);
    latency_[op][bucket_of(loop().now() - child.start)].add(1);
    ops_[op].count(child, block_bytes_);
    finish(child, child.error);
  }

  StatsBackend& backend_;
  const std::uint32_t block_bytes_;
  Counter submitted_;
  std::array<OpCounters, kOps> ops_;
  std::array<std::array<Counter, kLatencyBuckets>, kOps> latency_;
};

StatsBackend::StatsBackend(std::shared_ptr<Backend> lower_backend)
    : FilterBackend(std::move(lower_backend)) {}

StatsBackend::~StatsBackend() {
  WEFT_CHECK(channels_.empty(), "channels end before their backend");
}

std::unique_ptr<Channel> StatsBackend::open_channel(Loop& loop) {
  return std::make_unique<StatsChannel>(loop, *this, lower());
}

std::string StatsBackend::info() const {
  return lower().info();
}

StatsSnapshot StatsBackend::snapshot() const {
  const std::scoped_lock lock(mutex_);
  StatsSnapshot sum = departed_;
  for (const StatsChannel& channel : channels_) channel.add_to(sum);
  return sum;
}

}  // namespace weft::block
