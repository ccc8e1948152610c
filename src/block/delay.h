// Holds requests back: those that match until they are released, and all of them by a fixed latency.  For
// tests of what overtakes what; a held request has not reached the backend below.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "block/filter.h"
#include "block/match.h"

namespace weft::block {

class DelayChannel;

class DelayBackend final : public FilterBackend {
 public:
  explicit DelayBackend(std::shared_ptr<Backend> lower);
  ~DelayBackend() override;

  std::unique_ptr<Channel> open_channel(Loop& loop) override;
  std::string info() const override;

  // Any thread.
  void hold(const Match& match);  // from now on, in place of an earlier hold
  void stop_holding();            // what is held stays so
  void release();  // ends the hold and sends down what is held, per channel in the order that it came
  std::size_t held() const { return held_.load(std::memory_order_acquire); }
  void set_latency(Duration latency) { latency_ns_.store(latency.count(), std::memory_order_relaxed); }

 private:
  friend class DelayChannel;

  std::atomic<std::int64_t> latency_ns_{0};
  std::atomic<bool> holding_{false};
  std::atomic<std::size_t> held_{0};
  std::mutex mutex_;
  std::optional<Match> match_;
  List<DelayChannel> channels_;
};

}  // namespace weft::block
