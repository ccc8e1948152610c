// Reader-writer locks for stripes of a memory: held for one copy within a stripe, so a few microseconds at
// most.
#pragma once

#include <sched.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weft::backends {

class StripeLocks {
 public:
  static constexpr std::uint64_t kStripeBytes = 64 * 1024;

  class Shared {
   public:
    explicit Shared(std::atomic<std::uint32_t>& lock) : lock_(lock) {
      for (unsigned tries = 0;; wait(tries++)) {
        std::uint32_t holders = lock_.load(std::memory_order_relaxed);
        if (holders != kWriter &&
            lock_.compare_exchange_weak(holders, holders + 1, std::memory_order_acquire))
          return;
      }
    }
    ~Shared() { lock_.fetch_sub(1, std::memory_order_release); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

   private:
    std::atomic<std::uint32_t>& lock_;
  };

  class Exclusive {
   public:
    explicit Exclusive(std::atomic<std::uint32_t>& lock) : lock_(lock) {
      for (unsigned tries = 0;; wait(tries++)) {
        std::uint32_t nobody = 0;
        if (lock_.compare_exchange_weak(nobody, kWriter, std::memory_order_acquire)) return;
      }
    }
    ~Exclusive() { lock_.store(0, std::memory_order_release); }
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

   private:
    std::atomic<std::uint32_t>& lock_;
  };

  std::atomic<std::uint32_t>& of(std::uint64_t offset_bytes) {
    return locks_[offset_bytes / kStripeBytes % kLocks].word;
  }

 private:
  static constexpr std::uint32_t kWriter = ~std::uint32_t{0};
  static constexpr std::size_t kLocks = 512;  // stripes share them in turn
  static constexpr unsigned kTriesBeforeYield = 200;

  static void wait(unsigned tries) {
    if (tries >= kTriesBeforeYield) ::sched_yield();  // its holder may have lost the processor
  }

  struct alignas(64) Lock {
    std::atomic<std::uint32_t> word{0};
  };
  std::array<Lock, kLocks> locks_;
};

}  // namespace weft::backends
