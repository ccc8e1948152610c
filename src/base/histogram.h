// Times of many, in buckets whose width is a fixed part of their value: any percentile to better than 1 %, in
// a few KiB, with no allocation to record one.  After HdrHistogram, which Debian 12 has no package of for
// C++.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace weft {

// One writer; merged and read when nobody writes.
class Histogram {
 public:
  void record(std::uint64_t value) {
    ++counts_[bucket(value)];
    ++count_;
    sum_ += value;
    largest_ = std::max(largest_, value);
  }

  void add(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    largest_ = std::max(largest_, other.largest_);
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t largest() const { return largest_; }
  double mean() const { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }

  // The smallest value that no less than this part of all are at or below; 0 without any.
  std::uint64_t quantile(double part) const {
    const auto wanted =
        std::max<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_))), 1);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen >= wanted) return std::min(last_of(i), largest_);
    }
    return largest_;
  }

 private:
  // Each power of two is cut into this many buckets.
  static constexpr unsigned kFineBits = 7;
  static constexpr std::size_t kFine = std::size_t{1} << kFineBits;
  static constexpr std::size_t kBuckets = (64 - kFineBits + 1) * kFine;

  static std::size_t bucket(std::uint64_t value) {
    if (value < kFine) return value;
    const auto power = static_cast<unsigned>(std::bit_width(value) - 1);
    const unsigned shift = power - kFineBits;
    return (std::size_t{shift} + 1) * kFine + ((value >> shift) - kFine);
  }
  static std::uint64_t last_of(std::size_t at) {
    if (at < kFine) return at;
    const std::size_t shift = at / kFine - 1;
    return ((kFine + at % kFine + 1) << shift) - 1;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t largest_ = 0;
};

}  // namespace weft
