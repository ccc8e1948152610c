#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/text.h"

namespace weft::cli {

namespace {
constexpr std::chrono::milliseconds kPeriod{200};
constexpr const char* kClear = "\r\033[K";
}  // namespace

Progress::Progress(bool wanted, std::function<std::string()> line) : line_(std::move(line)) {
  if (wanted && ::isatty(STDERR_FILENO) != 0) thread_ = std::thread([this] { run(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    over_ = true;
  }
  ends_.notify_all();
  thread_.join();
  fmt::print(stderr, "{}", kClear);
}

void Progress::run() {
  std::unique_lock lock(mutex_);
  while (!ends_.wait_for(lock, kPeriod, [this] { return over_; })) {
    fmt::print(stderr, "{}{}", kClear, line_());
    (void)std::fflush(stderr);
  }
}

std::string progress_text(std::uint64_t done, std::optional<std::uint64_t> whole,
                          std::chrono::duration<double> took) {
  constexpr std::size_t kWidth = 30;
  constexpr double kLeast = 1e-3;
  const double rate = static_cast<double>(done) / std::max(took.count(), kLeast);
  const std::string speed = size_text(static_cast<std::uint64_t>(rate)) + "/s";
  if (!whole || *whole == 0) return fmt::format("{}  {}", size_text(done), speed);
  const double part = static_cast<double>(done) / static_cast<double>(*whole);
  const auto filled = static_cast<std::size_t>(part * kWidth);
  const auto left = rate > 0 ? static_cast<std::uint64_t>(static_cast<double>(*whole - done) / rate) : 0;
  return fmt::format("[{:<{}}] {:3.0f} %  {} of {}  {}  {}:{:02} left",
                     std::string(filled, '=') + (filled < kWidth ? ">" : ""), kWidth, part * 100,
                     size_text(done), size_text(*whole), speed, left / 60, left % 60);
}

}  // namespace weft::cli
