// The load on one queue: so many commands at once, each followed by the next.  All of it belongs to the
// queue's loop, but for the counters and what is said to be for any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/counter.h"
#include "base/histogram.h"
#include "base/loop.h"
#include "cli/bench/workload.h"
#include "host/io_queue.h"
#include "host/namespace_info.h"

namespace weft::cli::bench {

// What all generators of a run read.
struct Run {
  Workload workload;
  std::atomic<bool> measures = false;  // after the warm-up
  std::atomic<bool> stops = false;
};

class Generator {
 public:
  // Blocks [first, first + count) of `block_bytes` each are its own when it writes what is verified.
  Generator(Run& run, host::IoQueue& queue, const host::NamespaceInfo& info, std::uint64_t first,
            std::uint64_t count, std::uint64_t share, std::uint64_t number);
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Any thread.  `ended` runs on the loop when no command is under way any more.
  void start(std::move_only_function<void()> ended);
  // Reads back all that it has written.
  void start_reading_back(std::move_only_function<void()> ended);

  // Any thread.
  std::uint64_t commands() const { return commands_.value(); }
  std::uint64_t bytes() const { return bytes_.value(); }

  // Once it has ended.
  const Histogram& reads() const { return *reads_; }
  const Histogram& writes() const { return *writes_; }
  const std::string& failure() const { return failure_; }
  std::uint64_t verified() const { return verified_; }  // blocks
  std::chrono::nanoseconds longest_pause() const {
    return longest_pause_;
  }  // between two ends, while it measures

 private:
  struct Slot : host::Command {
    Generator* generator = nullptr;
    std::byte* memory = nullptr;
    iovec piece{};
    std::uint64_t block = 0;
    bool is_read = false;
    std::chrono::steady_clock::time_point began;
  };

  void begin(std::move_only_function<void()> ended, bool reads_back);
  bool choose(Slot& slot);
  void submit(Slot& slot);
  void next(Slot& slot);
  void rest(Slot& slot);
  void on_pace();
  static void on_done(host::Command& command) noexcept;
  void done(Slot& slot);
  void check_read(const Slot& slot);
  void fail(std::string text);
  std::uint64_t place(std::uint64_t block) const { return block * run_.workload.block_bytes; }

  Run& run_;
  host::IoQueue& queue_;
  const host::NamespaceInfo& info_;
  const std::uint64_t first_;
  const std::uint64_t count_;
  Places places_;
  std::byte* memory_ = nullptr;  // of all slots
  std::vector<std::unique_ptr<Slot>> slots_;
  std::size_t under_way_ = 0;
  std::move_only_function<void()> ended_;

  // Verification: the version of each block of its own, and which are under way.
  std::vector<std::uint32_t> versions_;
  std::vector<bool> busy_;
  bool reads_back_ = false;
  std::uint64_t back_at_ = 0;
  std::uint64_t verified_ = 0;

  // Pacing.
  Duration period_{};  // between two commands; 0: none
  Time due_{};
  std::vector<Slot*> resting_;
  MemberTimer<Generator, &Generator::on_pace> pace_{*this};

  Counter commands_;
  Counter bytes_;
  std::unique_ptr<Histogram> reads_ = std::make_unique<Histogram>();
  std::unique_ptr<Histogram> writes_ = std::make_unique<Histogram>();
  std::chrono::steady_clock::time_point last_end_{};
  std::chrono::steady_clock::duration longest_pause_{};
  std::string failure_;
};

}  // namespace weft::cli::bench
