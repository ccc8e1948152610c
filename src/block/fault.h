// Fails requests on plan, without sending them down.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

#include "block/filter.h"
#include "block/match.h"

namespace weft::block {

struct Fault {
  Match match;
  int error = 5;           // the errno to answer, not 0; EIO
  std::uint64_t skip = 0;  // as many that match pass first: skip = n - 1 fails the n-th
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();  // as many then fail
};

class FaultBackend final : public FilterBackend {
 public:
  explicit FaultBackend(std::shared_ptr<Backend> lower);

  std::unique_ptr<Channel> open_channel(Loop& loop) override;
  std::string info() const override;

  // Any thread.  Of several faults that match a request the first planned decides.
  void plan(const Fault& fault);
  void clear();
  std::uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

  int verdict(const Request& request);  // for its channels: 0 to pass, or the errno

 private:
  std::atomic<bool> planned_{false};
  std::atomic<std::uint64_t> failed_{0};
  std::mutex mutex_;
  std::vector<Fault> faults_;
};

}  // namespace weft::block
