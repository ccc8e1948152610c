// A disk with a volatile cache that can lose its power: unflushed writes and zeroes stay in memory above the
// backend until a flush or FUA passes them down, and lose() forgets them.  The witness of durability in
// tests: what was acknowledged as durable is below, and a flush that nobody passed on shows as lost data.
//
// Each flush and FUA passes down what it covers, flushes below it (or writes with FUA) and only then
// completes; they run one at a time, so that older contents never overtake newer ones.  Discards, and zeroes
// of more than kMaxCachedZeroes blocks, pass down at once and are durable: caching them would cost memory for
// each block. Not made for speed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "block/filter.h"

namespace weft::block {

class VolatileChannel;
struct VolatileRequest;

struct VolatileBlock {
  std::shared_ptr<const std::byte[]> bytes;  // null: zeroes
  std::uint64_t version = 0;                 // of the write that left it
};

class VolatileBackend final : public FilterBackend {
 public:
  static constexpr std::uint64_t kMaxCachedZeroes = 1024;

  explicit VolatileBackend(std::shared_ptr<Backend> lower);
  ~VolatileBackend() override;

  Geometry geometry() const override;  // with a volatile cache
  std::unique_ptr<Channel> open_channel(Loop& loop) override;
  std::string info() const override;

  // Any thread.
  void lose();  // the power fails: unflushed blocks read as they are below
  std::size_t unflushed_blocks() const;

 private:
  friend class VolatileChannel;
  static constexpr std::size_t kChunkBytes = 256 * 1024;  // passed down at a time

  using Copy = std::vector<std::pair<std::uint64_t, VolatileBlock>>;

  void store(const Request& request);
  Copy copy(std::uint64_t first, std::uint64_t end) const;
  void forget(const Copy& persisted);
  void forget_until(std::uint64_t first, std::uint64_t end, std::uint64_t version);
  std::uint64_t version() const;
  void enqueue(VolatileRequest& job);  // one that modifies the backend below; the first of the queue runs
  void dequeue(VolatileRequest& job);  // it has ended; the next one runs

  const std::uint32_t block_bytes_;
  const std::unique_ptr<std::byte, void (*)(void*)> chunk_;  // the running job's
  mutable std::mutex mutex_;
  std::map<std::uint64_t, VolatileBlock> blocks_;
  std::uint64_t version_ = 0;
  std::deque<VolatileRequest*> jobs_;
};

}  // namespace weft::block
