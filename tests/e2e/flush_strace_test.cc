// What was answered as durable was made so before the answer left: the system calls of weftd, by strace,
// against the time at which the host has the completion.  What goes through an io_uring strace does not see:
// forced writes are watched where they are calls, through the page cache.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <time.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "backends/fd/testing.h"
#include "e2e/syscall_trace.h"
#include "e2e/weftd_process.h"
#include "raw_host/host_controller.h"

namespace weft::e2e {
namespace {

using namespace std::chrono_literals;
using raw_host::Bytes;
using raw_host::Completion;

constexpr Nsid kDirect{1};
constexpr Nsid kCached{2};
constexpr std::uint32_t kBlockBytes = 4096;

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// One command of the host: before it was sent, and after its completion came.
struct Span {
  double begin = 0;
  double end = 0;
};

class FlushStraceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (run({"strace", "-o", "/dev/null", "true"}) != 0)
      GTEST_SKIP() << "strace is not there, or may not trace here";
    const std::string direct = directory_.takes_direct_io() ? "0" : "1";
    if (direct == "1") std::printf("no direct I/O here: both namespaces are buffered\n");
    WeftdProcess::Options options;
    options.directory = directory_ / "";
    options.core = fmt::format(
        R"({{"fileio_1": {{
  "direct": {{"control": {{"fd_dev_name": "{}", "fd_buffered_io": "{}", "block_size": "4096"}}}},
  "cached": {{"control": {{"fd_dev_name": "{}", "fd_buffered_io": "1", "block_size": "4096"}}}}}}}})",
        directory_.make("disk_direct", 1 << 20), direct, directory_.make("disk_cached", 1 << 20));
    options.namespaces = R"({"1": {"device": "target/core/fileio_1/direct"},
                             "2": {"device": "target/core/fileio_1/cached"}})";
    // -D: weftd stays our child.
    options.wrapper = {"strace", "-D",       "-f", "-ttt", "-T", "-y", "-e", "trace=fdatasync,pwritev2",
                       "-o",     trace_file_};
    // A leak check is itself done by ptrace, of which there is one at a time; other tests look for leaks.
    const char* const asan = std::getenv("ASAN_OPTIONS");
    if (asan != nullptr) options.environment = {std::string("ASAN_OPTIONS=") + asan + ":detect_leaks=0"};
    weftd_ = std::make_unique<WeftdProcess>(options);
    raw_host::HostOptions host;
    host.queue.port = weftd_->port();
    host.subnqn = WeftdProcess::kNqn;
    host_ = std::make_unique<raw_host::HostController>(host, log_);
    host_->connect_io(1);
  }

  Bytes data(std::uint8_t value) { return Bytes(kBlockBytes * 4, std::byte{value}); }

  template <class Command>
  Span timed(Command command) {
    Span span;
    span.begin = now();
    const Completion completion = command();
    span.end = now();
    EXPECT_TRUE(completion.ok());
    return span;
  }

  std::vector<TracedCall> end_and_read_trace() {
    host_.reset();
    weftd_->terminate();
    const auto status = weftd_->wait(2min);
    EXPECT_TRUE(status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0) << weftd_->log();
    std::string text;
    // strace outlives it by a moment.
    for (int i = 0; i < 12'000 && !has_ended(text); ++i) {
      std::ostringstream all;
      all << std::ifstream(trace_file_).rdbuf();
      text = all.str();
      std::this_thread::sleep_for(10ms);
    }
    EXPECT_TRUE(has_ended(text)) << text;
    return parse_trace(text);
  }
  bool has_ended(const std::string& text) const {
    std::istringstream lines(text);
    const std::string pid = std::to_string(weftd_->pid());
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(pid + " ") && line.find("+++ ") != std::string::npos) return true;
    return false;
  }

  // Calls on the file that lie wholly within the span.
  static int count(const std::vector<TracedCall>& calls, Span span, const std::string& name,
                   const std::string& file, const std::string& flag = "") {
    int found = 0;
    for (const auto& call : calls)
      if (call.name == name && call.ok && call.begin >= span.begin && call.end <= span.end &&
          call.text.find("/" + file + ">") != std::string::npos && call.text.find(flag) != std::string::npos)
        ++found;
    return found;
  }

  backends::ScratchDirectory directory_;
  const std::string trace_file_ = directory_ / "trace";
  raw_host::PduLog log_;
  std::unique_ptr<WeftdProcess> weftd_;
  std::unique_ptr<raw_host::HostController> host_;
};

TEST_F(FlushStraceTest, WhatIsAnsweredAsDurableIsDurable) {
  constexpr int kTimes = 10;
  struct Row {
    Nsid nsid;
    const char* file;
    std::vector<Span> writes, flushes, forced;
  } rows[] = {{kDirect, "disk_direct", {}, {}, {}}, {kCached, "disk_cached", {}, {}, {}}};
  for (auto& row : rows)
    for (int i = 0; i < kTimes; ++i) {
      const auto value = static_cast<std::uint8_t>(i);
      row.writes.push_back(timed([&] { return host_->write(row.nsid, {8, 4}, data(value)); }));
      row.flushes.push_back(timed([&] { return host_->flush(row.nsid); }));
      row.forced.push_back(timed([&] { return host_->write(row.nsid, {16, 4}, data(value), true); }));
    }
  const auto calls = end_and_read_trace();
  for (const auto& row : rows) {
    for (const Span span : row.flushes)
      EXPECT_GE(count(calls, span, "fdatasync", row.file), 1) << row.file << ": a flush";
    for (const Span span : row.writes)
      EXPECT_EQ(count(calls, span, "fdatasync", row.file), 0) << row.file << ": a write";
  }
  for (const Span span : rows[1].writes)
    EXPECT_EQ(count(calls, span, "pwritev2", "disk_cached", "RWF_DSYNC"), 0) << "a write";
  for (const Span span : rows[1].writes) EXPECT_GE(count(calls, span, "pwritev2", "disk_cached"), 1);
  for (const Span span : rows[1].forced)
    EXPECT_GE(count(calls, span, "pwritev2", "disk_cached", "RWF_DSYNC"), 1) << "a forced write";
}

}  // namespace
}  // namespace weft::e2e
