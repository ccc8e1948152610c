// How much of RAM disks may be lent on each loop: what is written while it is lent takes memory twice, and
// hosts that do not read their answers keep it lent.  One limit for all disks of a loop, so that many of them
// hold no more than few.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "base/check.h"
#include "base/loop.h"

namespace weft::backends {

// Of one loop, and belongs to it.
class LoanLimit {
 public:
  static constexpr std::uint64_t kMostBytes = std::uint64_t{64} * 1024 * 1024;

  bool take(std::uint64_t bytes) {
    if (lent_ + bytes > kMostBytes) return false;
    lent_ += bytes;
    return true;
  }
  void give_back(std::uint64_t bytes) {
    WEFT_CHECK(bytes <= lent_, "what comes back was lent");
    lent_ -= bytes;
  }

 private:
  std::uint64_t lent_ = 0;
};

class LoanLimits {
 public:
  LoanLimit& of(const Loop& loop) {  // stays; any thread
    const std::scoped_lock lock(mutex_);
    return by_index_[loop.index()];
  }

 private:
  std::mutex mutex_;
  std::map<unsigned, LoanLimit> by_index_;
};

}  // namespace weft::backends
