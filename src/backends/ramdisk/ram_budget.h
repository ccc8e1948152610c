// A limit for all RAM disks of a process together, so that none of them gets the daemon killed for memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "backends/ramdisk/loan_limits.h"

namespace weft::backends {

// Any thread.
class RamBudget {
 public:
  explicit RamBudget(std::uint64_t limit_bytes) : limit_(limit_bytes) {}
  RamBudget(const RamBudget&) = delete;
  RamBudget& operator=(const RamBudget&) = delete;

  // Half of the machine's RAM, or of the smallest memory limit (cgroup v2 or v1) that holds for this process
  // when that is smaller.  `root` is where /proc and /sys are; tests have their own.
  static std::uint64_t default_limit(const std::string& root = "");

  bool reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes);
  std::uint64_t limit() const { return limit_; }
  std::uint64_t left() const { return limit_ - reserved_.load(); }
  LoanLimits& loans() { return loans_; }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> reserved_{0};
  LoanLimits loans_;
};

}  // namespace weft::backends
