// Reader-writer locks for stripes of a memory: held for one copy within a stripe, so a few microseconds at
// most.  They are fair, first come, first served: whoever copies without a pause on one thread must not keep
// another one out for ever.
#pragma once

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::backends {

class StripeLocks {
 public:
  static constexpr std::uint64_t kStripeBytes = 64 * 1024;

  // As many as there are stripes, and no more than hundreds of disks can afford.
  explicit StripeLocks(std::uint64_t memory_bytes)
      : locks_(std::bit_floor(std::clamp<std::uint64_t>(memory_bytes / kStripeBytes, 1, kMostLocks))) {}

  // A ticket for each who comes.  Readers pass the turn on when they enter, writers when they leave.
  struct alignas(64) Lock {
    std::atomic<std::uint32_t> next_ticket{0};
    std::atomic<std::uint32_t> readers_turn{0};  // the ticket that may enter as a reader
    std::atomic<std::uint32_t> writers_turn{0};  // or as a writer: all before it have left
  };

  class Shared {
   public:
    explicit Shared(Lock& lock) : lock_(lock) {
      await(lock.readers_turn, lock.next_ticket.fetch_add(1, std::memory_order_relaxed));
      lock.readers_turn.fetch_add(1, std::memory_order_relaxed);
    }
    ~Shared() { lock_.writers_turn.fetch_add(1, std::memory_order_release); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

   private:
    Lock& lock_;
  };

  class Exclusive {
   public:
    explicit Exclusive(Lock& lock) : lock_(lock) {
      await(lock.writers_turn, lock.next_ticket.fetch_add(1, std::memory_order_relaxed));
    }
    ~Exclusive() {
      lock_.writers_turn.fetch_add(1, std::memory_order_release);
      lock_.readers_turn.fetch_add(1, std::memory_order_release);
    }
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

   private:
    Lock& lock_;
  };

  Lock& of(std::uint64_t offset_bytes) { return locks_[offset_bytes / kStripeBytes & (locks_.size() - 1)]; }

 private:
  static constexpr std::uint64_t kMostLocks = 128;  // stripes share them in turn
  static constexpr unsigned kTriesBeforeYield = 200;

  static void await(const std::atomic<std::uint32_t>& turn, std::uint32_t ticket) {
    for (unsigned tries = 0; turn.load(std::memory_order_acquire) != ticket; ++tries)
      if (tries >= kTriesBeforeYield) ::sched_yield();  // its holder may have lost the processor
  }

  std::vector<Lock> locks_;
};

}  // namespace weft::backends
