// The provided-buffer ring: memory that multishot receives fill, lent to streams' handlers as chunks.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/intrusive.h"
#include "base/result.h"
#include "net/stream.h"
#include "reactor/ring.h"

namespace weft::reactor {

class RecvBuffers final : public net::Chunk::Lender {
 public:
  static constexpr std::size_t kBufferBytes = 16 * 1024;
  static constexpr unsigned kStartCount = 64;
  static constexpr unsigned kMostCount = 4096;  // 64 MiB; a power of two
  static constexpr std::uint16_t kGroup = 1;

  // A receive that ended because no buffer was left.
  class Starved : public ListHook<> {
   public:
    virtual void on_buffers_back() = 0;  // receive again; may come inside wait()

   protected:
    ~Starved() = default;
  };

  RecvBuffers() = default;
  RecvBuffers(const RecvBuffers&) = delete;
  RecvBuffers& operator=(const RecvBuffers&) = delete;
  ~RecvBuffers();

  Result<> open(Ring& ring);

  // The bytes of a completion that has IORING_CQE_F_BUFFER.
  net::Chunk chunk(std::uint32_t cqe_flags, std::size_t bytes);

  // Calls on_buffers_back once when a buffer is there again.  Takes more memory if most is lent out for long.
  void wait(Starved& starved);
  void forget(Starved& starved) {
    if (starved.is_linked()) starved_.erase(starved_.iterator_to(starved));
  }

  void give_back(std::uint32_t token) override;

  unsigned total() const { return total_; }
  unsigned lent() const { return lent_; }

 private:
  void grow(unsigned count);
  void provide(std::uint32_t token);

  std::byte* memory_ = nullptr;  // room for kMostCount, touched as it is provided
  io_uring_buf_ring* ring_ = nullptr;
  unsigned total_ = 0;
  unsigned lent_ = 0;
  List<Starved> starved_;
};

}  // namespace weft::reactor
