// Backends that hang: many files whose file system never answers.  Nobody else's commands wait for them, and
// weftd still ends.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "backends/fd/testing.h"
#include "e2e/weftd_process.h"
#include "hang_fs/mounted_hang_fs.h"
#include "raw_host/host_controller.h"

namespace weft::e2e {
namespace {

using namespace std::chrono_literals;
using raw_host::Bytes;
using raw_host::HostController;

constexpr std::uint32_t kBlockBytes = 4096;
constexpr Nsid kRam{1};
constexpr Nsid kFile{2};
constexpr Nsid kLate{3};
constexpr std::uint32_t kFirstHanging = 100;
constexpr auto kEndTime = 20s;

// Threads cost the sanitizers much more.
unsigned hanging_backends() {
  const char* const sanitizer = std::getenv("WEFT_SANITIZE");
  return sanitizer == nullptr || *sanitizer == 0 ? 200 : 60;
}
int rounds() {
  const char* const sanitizer = std::getenv("WEFT_SANITIZE");
  return sanitizer == nullptr || *sanitizer == 0 ? 500 : 100;
}

class HangTest : public testing::Test {
 protected:
  void start(const std::string& mode, bool with_hanging) {
    const std::string place = directory_ / "mount";
    std::filesystem::create_directory(place);
    std::string why;
    fs_ = MountedHangFs::mount(mode, place, why);
    if (fs_ == nullptr) GTEST_SKIP() << why;
    weftd_ = std::make_unique<WeftdProcess>(WeftdProcess::Options{
        .directory = directory_ / "", .core = core(with_hanging), .namespaces = namespaces(with_hanging)});
  }

  std::string core(bool with_hanging) {
    std::string all = fmt::format(
        R"({{"rd_mcp_0": {{"ram": {{"control": {{"size": "8M", "block_size": "4096"}}}}}},
            "fileio_0": {{"good": {{"control": {{"fd_dev_name": "{}", "fd_dev_size": "8M", "create": "1",
                          "fd_buffered_io": "1", "block_size": "4096"}}}}}})",
        directory_ / "good");
    if (!with_hanging) return all + "}";
    all += R"(, "fileio_1": {)";
    for (unsigned i = 0; i < hanging_backends(); ++i)
      all += fmt::format(
          R"("{}": {{"control": {{"fd_dev_name": "{}", "fd_buffered_io": "1", "block_size": "4096"}}}}, )", i,
          fs_->file(i));
    // The last in order: it opens behind all that hang.
    return all +
           fmt::format(R"("zlate": {{"control": {{"fd_dev_name": "{}", "fd_dev_size": "8M", "create": "1",
                                 "fd_buffered_io": "1", "block_size": "4096"}}}}}}}})",
                       directory_ / "late");
  }

  static std::string namespaces(bool with_hanging) {
    std::string all = R"({"1": {"device": "target/core/rd_mcp_0/ram"},
                          "2": {"device": "target/core/fileio_0/good"})";
    if (!with_hanging) return all + "}";
    for (unsigned i = 0; i < hanging_backends(); ++i)
      all += fmt::format(R"(, "{}": {{"device": "target/core/fileio_1/{}"}})", kFirstHanging + i, i);
    return all + R"(, "3": {"device": "target/core/fileio_1/zlate"}})";
  }

  std::unique_ptr<HostController> connect(std::uint16_t queues) {
    raw_host::HostOptions options;
    options.queue.port = weftd_->port();
    options.subnqn = WeftdProcess::kNqn;
    auto host = std::make_unique<HostController>(options, log_);
    host->connect_io(queues);
    return host;
  }

  // Writes, reads and flushes of this namespace, each of which must be answered well.
  void work(HostController& host, Nsid nsid, const char* when) {
    std::vector<std::chrono::nanoseconds> io, flushes;
    const auto timed = [](auto& into, const auto& command) {
      const auto begin = std::chrono::steady_clock::now();
      const auto completion = command();
      into.push_back(std::chrono::steady_clock::now() - begin);
      ASSERT_TRUE(completion.ok());
    };
    for (int i = 0; i < rounds(); ++i) {
      const wire::LbaRange range{static_cast<std::uint64_t>(i), 1};
      const Bytes data(kBlockBytes, static_cast<std::byte>(i));
      timed(io, [&] { return host.write(nsid, range, data); });
      timed(flushes, [&] { return host.flush(nsid); });
      timed(io, [&] {
        auto completion = host.read(nsid, range, kBlockBytes);
        EXPECT_EQ(completion.data, data);
        return completion;
      });
    }
    std::printf("namespace %u, %s: p99 of reads and writes %.0f us, of flushes %.0f us\n", nsid.value(), when,
                p99(io), p99(flushes));
  }

  static double p99(std::vector<std::chrono::nanoseconds>& times) {
    const auto place = times.begin() + static_cast<std::ptrdiff_t>(times.size() * 99 / 100);
    std::nth_element(times.begin(), place, times.end());
    return std::chrono::duration<double, std::micro>(*place).count();
  }

  void expect_end() {
    const auto begin = std::chrono::steady_clock::now();
    weftd_->terminate();
    const auto status = weftd_->wait(kEndTime);
    ASSERT_TRUE(status) << "weftd does not end:\n" << weftd_->log();
    EXPECT_TRUE(WIFEXITED(*status)) << *status << "\n" << weftd_->log();
    EXPECT_THAT(weftd_->log(), testing::HasSubstr("ending"));
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    std::printf("weftd ended after %.1f s with status %d\n", time.count(), WEXITSTATUS(*status));
  }

  // In this order: the hanging calls end before weftd is waited for.
  backends::ScratchDirectory directory_;
  raw_host::PduLog log_;
  std::unique_ptr<WeftdProcess> weftd_;
  std::unique_ptr<MountedHangFs> fs_;
};

TEST_F(HangTest, FilesThatDoNotOpenHoldUpNobody) {
  start("open", false);
  if (IsSkipped()) return;
  const auto host = connect(1);
  work(*host, kRam, "before");
  work(*host, kFile, "before");
  fs_->begin_to_hang();
  weftd_->reload(core(true), namespaces(true));
  EXPECT_THAT(weftd_->log(), testing::HasSubstr("fileio_1/0: it still opens"));
  work(*host, kRam, "while all others hang in open");
  work(*host, kFile, "while all others hang in open");
  // One that opens behind them is there all the same.
  while (!host->identify_namespace(kLate).nsze) std::this_thread::sleep_for(10ms);
  work(*host, kLate, "opened behind them");
  expect_end();
}

TEST_F(HangTest, FilesThatDoNotAnswerHoldUpNobody) {
  start("io", true);
  if (IsSkipped()) return;
  const auto host = connect(1);
  for (const Nsid nsid : {kRam, kFile, kLate}) work(*host, nsid, "before");
  constexpr std::uint16_t kQueues = 4;
  const auto victim = connect(kQueues);
  for (unsigned i = 0; i < hanging_backends(); ++i) {
    EXPECT_TRUE(victim->read(Nsid(kFirstHanging + i), {0, 1}, kBlockBytes).ok());
    EXPECT_TRUE(victim->flush(Nsid(kFirstHanging + i)).ok());
  }

  fs_->begin_to_hang();
  for (unsigned i = 0; i < hanging_backends(); ++i) {
    const Nsid nsid(kFirstHanging + i);
    const std::size_t queue = i % kQueues;
    const wire::LbaRange range{1024, 1};
    if (i % 3 == 0)
      victim->submit_read(nsid, range, kBlockBytes, queue);
    else if (i % 3 == 1)
      victim->submit_write(nsid, range, Bytes(kBlockBytes), false, queue);
    else
      victim->io(queue).submit(wire::make_flush({.nsid = nsid}));
  }
  for (const Nsid nsid : {kRam, kFile, kLate}) work(*host, nsid, "while all others hang in their commands");
  std::size_t in_flight = 0;
  for (std::size_t queue = 0; queue < kQueues; ++queue) {
    while (victim->io(queue).receive_for(0ms)) continue;
    in_flight += victim->io(queue).in_flight();
  }
  EXPECT_EQ(in_flight, hanging_backends()) << "they do not hang";
  expect_end();
}

}  // namespace
}  // namespace weft::e2e
