// A small disk in memory for unit tests: answers in the next turn and counts the flushes that reached it.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "block/backend.h"
#include "block/check_request.h"
#include "block/completions.h"

namespace weft::block {

class MemoryBackend final : public Backend {
 public:
  MemoryBackend(std::uint64_t blocks, std::uint32_t block_bytes)
      : Backend("memory_0/test", Uuid{}), bytes_(blocks * block_bytes) {
    geometry_.blocks = blocks;
    geometry_.block_bytes = block_bytes;
    geometry_.discard_granularity_blocks = 1;
  }

  Geometry geometry() const override {
    const std::scoped_lock lock(mutex_);
    return geometry_;
  }
  std::unique_ptr<Channel> open_channel(Loop& loop) override {
    return std::make_unique<MemoryChannel>(loop, *this);
  }
  std::string info() const override { return "memory"; }

  void resize(std::uint64_t blocks) {
    {
      const std::scoped_lock lock(mutex_);
      geometry_.blocks = blocks;
      bytes_.resize(blocks * geometry_.block_bytes);
    }
    notify_geometry_changed();
  }
  std::uint64_t flushes() const { return flushes_.load(); }
  std::uint64_t fua_writes() const { return fua_writes_.load(); }

 private:
  class MemoryChannel final : public Channel {
   public:
    MemoryChannel(Loop& loop, MemoryBackend& backend) : backend_(backend), answers_(loop) {}
    void submit(Request& request) override { answers_.add(request, backend_.execute(request)); }

   private:
    MemoryBackend& backend_;
    Completions answers_;
  };

  int execute(const Request& request) {
    const std::scoped_lock lock(mutex_);
    if (const int error = check_request(geometry_, request); error != 0) return error;
    if (request.op == Op::flush) ++flushes_;
    if (request.op == Op::write && request.fua) ++fua_writes_;
    std::byte* at = bytes_.data() + request.lba * geometry_.block_bytes;
    if (request.op == Op::write_zeroes || request.op == Op::discard)
      std::memset(at, 0, request.blocks * geometry_.block_bytes);
    if (request.op != Op::read && request.op != Op::write) return 0;
    for (const iovec& piece : request.data) {
      const bool read = request.op == Op::read;
      std::memcpy(read ? piece.iov_base : at, read ? at : piece.iov_base, piece.iov_len);
      at += piece.iov_len;
    }
    return 0;
  }

  mutable std::mutex mutex_;
  Geometry geometry_;
  std::vector<std::byte> bytes_;
  std::atomic<std::uint64_t> flushes_{0};
  std::atomic<std::uint64_t> fua_writes_{0};
};

}  // namespace weft::block
