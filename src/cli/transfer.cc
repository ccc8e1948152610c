#include "cli/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace weft::cli {

namespace {

// Pieces are given out in order.  A stream's are read one at a time as they are given out, and written in
// their turn.
class Transfer {
 public:
  Transfer(Medium& from, Medium& to, const TransferOptions& options, std::atomic<std::uint64_t>& done)
      : from_(from), to_(to), options_(options), done_(done) {}

  Result<std::uint64_t> run() {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < options_.pieces; ++i) threads.emplace_back([this] { work(); });
    for (std::thread& each : threads) each.join();
    if (error_) return std::unexpected(*error_);
    if (const auto finished = to_.finish(); !finished) return std::unexpected(finished.error());
    return done_.load();
  }

 private:
  void work() {
    std::vector<std::byte> memory(options_.piece_bytes);
    std::uint64_t at = 0;
    while (true) {
      const Result<std::size_t> got = take(memory, at);
      if (!got) return stop(got.error());
      if (*got == 0) return;
      if (const auto written = put(at, std::span<const std::byte>(memory).first(*got)); !written)
        return stop(written.error());
      done_ += *got;
    }
  }

  // The next piece; 0: there is none.
  Result<std::size_t> take(std::span<std::byte> memory, std::uint64_t& at) {
    std::unique_lock lock(mutex_);
    if (over_) return 0;
    const std::uint64_t left = options_.length ? *options_.length - next_ : UINT64_MAX;
    const auto part = memory.first(std::min<std::uint64_t>(memory.size(), left));
    at = next_;
    if (part.empty()) {
      over_ = true;
      return 0;
    }
    if (!from_.is_stream()) {
      next_ += part.size();
      lock.unlock();
      auto got = from_.read(at, part);
      lock.lock();
      return ended(std::move(got), part.size());
    }
    auto got = from_.read(at, part);
    if (got) next_ += *got;
    return ended(std::move(got), part.size());
  }

  Result<std::size_t> ended(Result<std::size_t> got, std::size_t wanted) {
    if (got && *got < wanted) over_ = true;
    return got;
  }

  Result<> put(std::uint64_t at, std::span<const std::byte> bytes) {
    if (!to_.is_stream()) return to_.write(at, bytes);
    std::unique_lock lock(mutex_);
    turn_.wait(lock, [&] { return written_ == at || error_; });
    if (error_) return {};
    auto written = to_.write(at, bytes);
    written_ += bytes.size();
    turn_.notify_all();
    return written;
  }

  void stop(const Error& error) {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = error;
    over_ = true;
    turn_.notify_all();
  }

  Medium& from_;
  Medium& to_;
  const TransferOptions& options_;
  std::atomic<std::uint64_t>& done_;
  std::mutex mutex_;
  std::condition_variable turn_;
  std::uint64_t next_ = 0;
  std::uint64_t written_ = 0;
  bool over_ = false;
  std::optional<Error> error_;
};

}  // namespace

Result<std::uint64_t> transfer(Medium& from, Medium& to, const TransferOptions& options,
                               std::atomic<std::uint64_t>& done) {
  Transfer work(from, to, options, done);
  auto copied = work.run();
  if (!copied) return copied;
  if (options.length && *copied < *options.length)
    return fail(EIO, fmt::format("{}: it ended after {} bytes of {}", from.name(), *copied, *options.length));
  return copied;
}

}  // namespace weft::cli
