#include "backends/fd/fd_backend.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "backends/fd/testing.h"
#include "base/call.h"

namespace weft::backends {
namespace {

using block::DiskIo;
using block::Op;
using Path = FdBackend::Path;
using testing::HasSubstr;

constexpr std::uint64_t kBytes = 1 << 20;
constexpr std::uint32_t kBlockBytes = 512;

// What a test hands down: any descriptor, and calls that hang while the gate is closed.
class Gate {
 public:
  void close() { set(false); }
  void open() { set(true); }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void await_waiting() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  void set(bool open) {
    const std::scoped_lock lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
};

struct Below {
  Gate gate;
  std::atomic<std::uint64_t> bytes{kBytes};
  std::atomic<int> zeroings{0};
  std::atomic<int> syncs{0};
  std::atomic<int> failing_syncs{0};  // so many of the next ones
  std::atomic<int> write_backs{0};
  std::atomic<int> failing_write_backs{0};
  std::atomic<bool> closed{false};
};

class TestFdTarget final : public FdTarget {
 public:
  TestFdTarget(const char* path, std::shared_ptr<Below> below)
      : FdTarget(UniqueFd(::open(path, O_RDWR | O_CLOEXEC)), path), below_(std::move(below)) {}
  ~TestFdTarget() override {
    below_->gate.pass();
    below_->closed = true;
  }
  Result<std::uint64_t> size_bytes() const override {
    below_->gate.pass();
    return below_->bytes.load();
  }
  int sync() override {
    ++below_->syncs;
    if (below_->failing_syncs > 0) return --below_->failing_syncs, EIO;
    return FdTarget::sync();
  }
  int write_back() override {
    ++below_->write_backs;
    if (below_->failing_write_backs > 0) return --below_->failing_write_backs, EIO;
    return FdTarget::write_back();
  }
  int discard(std::uint64_t /*offset*/, std::uint64_t /*length*/) override { return 0; }
  int zero(std::uint64_t /*offset*/, std::uint64_t /*length*/, bool /*may_unmap*/) override {
    below_->gate.pass();
    ++below_->zeroings;
    return 0;
  }

 private:
  const std::shared_ptr<Below> below_;
};

class Environment final : public block::ConformanceEnvironment {
 public:
  Environment(const char* file, Path path) : file_(file), path_(path) {}
  block::LoopDriver& driver() override { return driver_; }
  Result<std::shared_ptr<block::Backend>> open() override {
    block::Geometry geometry;
    geometry.block_bytes = kBlockBytes;
    geometry.blocks = kBytes / kBlockBytes;
    return std::make_shared<FdBackend>(block::OpenOptions{"fileio_0/disk", {}, {}},
                                       std::make_shared<TestFdTarget>(file_, below), geometry, path_,
                                       driver_.files());
  }

  const std::shared_ptr<Below> below = std::make_shared<Below>();

 private:
  const char* const file_;
  const Path path_;
  ReactorDriver driver_;
};

int flush(block::Disk& disk) {
  return disk.run_one(std::make_unique<DiskIo>(Op::flush, 0, 0));
}
int zero(block::Disk& disk, bool fua = false) {
  auto io = std::make_unique<DiskIo>(Op::write_zeroes, 0, 8);
  io->fua = fua;
  return disk.run_one(std::move(io));
}

// Writes the first MiB again and again, until it is `bytes` in all; the first error.
int write_much(block::Disk& disk, std::uint64_t bytes) {
  for (std::uint64_t written = 0; written < bytes; written += kBytes)
    if (const int error = disk.run_one(disk.make_write(0, kBytes / kBlockBytes)); error != 0) return error;
  return 0;
}

// How much of a file waits in the page cache to be written; empty where the kernel does not tell.
std::optional<std::uint64_t> unwritten_bytes(int fd) {
  constexpr long kCachestat = 451;
  struct {
    std::uint64_t first, bytes;
  } const range{0, 0};  // all
  struct {
    std::uint64_t cached, dirty, being_written, evicted, recently_evicted;
  } pages{};
  if (::syscall(kCachestat, fd, &range, &pages, 0) != 0) return std::nullopt;
  return (pages.dirty + pages.being_written) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// What /dev/zero takes and gives is of no matter; fdatasync fails on it.
TEST(FdBackend, AFailedFlushStaysFailedUntilItIsOpenedAgain) {
  for (const Path path : {Path::cached, Path::direct, Path::ring}) {
    Environment environment("/dev/zero", path);
    block::Disk disk(environment);
    EXPECT_EQ(disk.run_one(disk.make_write(0, 8)), 0);
    EXPECT_THAT(disk.backend->info(), Not(HasSubstr("FAILED")));
    EXPECT_EQ(flush(disk), EIO);
    EXPECT_EQ(flush(disk), EIO);
    EXPECT_EQ(disk.run_one(disk.make_write(0, 8)), EIO);
    EXPECT_EQ(zero(disk), EIO);
    EXPECT_EQ(disk.run_one(std::make_unique<DiskIo>(Op::discard, 0, 8)), EIO);
    EXPECT_EQ(disk.run_one(disk.make_read(0, 8)), 0) << "reads go on";
    EXPECT_THAT(disk.backend->info(), HasSubstr("FAILED"));
    EXPECT_EQ(environment.below->zeroings, 0);
    disk.close();
    disk.open();
    EXPECT_EQ(disk.run_one(disk.make_write(0, 8)), 0);
  }
}

// The kernel reports what it lost once; the next fdatasync of the same file succeeds.
TEST(FdBackend, AFlushThatWouldSucceedAgainStaysFailed) {
  ScratchDirectory directory;
  const std::string file = directory.make("disk", kBytes);
  Environment environment(file.c_str(), Path::cached);
  block::Disk disk(environment);
  EXPECT_EQ(flush(disk), 0);
  environment.below->failing_syncs = 1;
  EXPECT_EQ(flush(disk), EIO);
  EXPECT_EQ(flush(disk), EIO);
  EXPECT_EQ(disk.run_one(disk.make_write(0, 8, true)), EIO);
  disk.close();
  disk.open();
  EXPECT_EQ(flush(disk), 0);
}

TEST(FdBackend, AFailedFlushOfDurableZeroesStaysFailed) {
  Environment environment("/dev/zero", Path::cached);
  block::Disk disk(environment);
  EXPECT_EQ(zero(disk, true), EIO);
  EXPECT_EQ(environment.below->zeroings, 1);
  EXPECT_EQ(zero(disk), EIO);
  EXPECT_EQ(environment.below->zeroings, 1);
}

TEST(FdBackend, AFailedDurableWriteStaysFailedUnlessNothingWasLost) {
  const struct {
    Path path;
    int error;
    bool sticky;
  } rows[] = {{Path::cached, EIO, true},    {Path::direct, EIO, true},     {Path::ring, EIO, true},
              {Path::cached, ENOSPC, true}, {Path::direct, ENOSPC, false}, {Path::ring, ENOSPC, false},
              {Path::cached, EDQUOT, true}, {Path::direct, EDQUOT, false}, {Path::ring, EDQUOT, false},
              {Path::cached, 0, false},     {Path::direct, 0, false},      {Path::ring, 0, false}};
  for (const auto& row : rows) {
    Environment environment("/dev/zero", row.path);
    block::Disk disk(environment);
    EXPECT_EQ(static_cast<FdBackend&>(*disk.backend).note_durable_write(row.error), row.error);
    EXPECT_EQ(zero(disk), row.sticky ? EIO : 0);
  }
}

// On /dev/full each write finds no room; nothing was lost, and the host may repeat it.
TEST(FdBackend, AFailedWriteIsOnlyThatWritesError) {
  for (const Path path : {Path::cached, Path::direct, Path::ring}) {
    Environment environment("/dev/full", path);
    block::Disk disk(environment);
    EXPECT_EQ(disk.run_one(disk.make_write(0, 8)), ENOSPC);
    // Through the page cache, a durable one as well: it is refused there.
    if (path == Path::cached) {
      EXPECT_EQ(disk.run_one(disk.make_write(0, 8, true)), ENOSPC);
    }
    EXPECT_EQ(zero(disk), 0);
  }
}

TEST(FdBackend, ThePageCacheWritesAfterEachHalfOfWhatMayWait) {
  constexpr std::uint64_t kHalf = FdBackend::kMostUnwritten / 2;
  ScratchDirectory directory;
  const std::string file = directory.make("disk", kBytes);
  Environment environment(file.c_str(), Path::cached);
  block::Disk disk(environment);
  EXPECT_EQ(write_much(disk, kHalf - kBytes), 0);
  EXPECT_EQ(environment.below->write_backs, 0);
  EXPECT_EQ(write_much(disk, kBytes), 0);
  EXPECT_EQ(environment.below->write_backs, 1);
  EXPECT_EQ(write_much(disk, kHalf), 0);
  EXPECT_EQ(environment.below->write_backs, 2);
  EXPECT_EQ(write_much(disk, kHalf - kBytes), 0);
  EXPECT_EQ(flush(disk), 0);
  EXPECT_EQ(write_much(disk, kHalf - kBytes), 0);
  EXPECT_EQ(environment.below->write_backs, 2) << "what was flushed waits no more";
}

TEST(FdBackend, WhatWaitsInThePageCacheIsBounded) {
  constexpr std::uint64_t kMuch = 4 * FdBackend::kMostUnwritten;
  ScratchDirectory directory;
  const std::string file = directory.make("disk", kMuch);
  const UniqueFd look(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!unwritten_bytes(look.get())) GTEST_SKIP() << "cachestat: " << errno_text(errno);
  Environment environment(file.c_str(), Path::cached);
  environment.below->bytes = kMuch;
  block::Disk disk(environment);
  ASSERT_TRUE(disk.backend->refresh());
  std::uint64_t most = 0;
  for (std::uint64_t offset = 0; offset < kMuch; offset += kBytes) {
    ASSERT_EQ(disk.run_one(disk.make_write(offset / kBlockBytes, kBytes / kBlockBytes)), 0);
    most = std::max(most, *unwritten_bytes(look.get()));
  }
  EXPECT_LE(most, FdBackend::kMostUnwritten);
}

TEST(FdBackend, DirectWritesLeaveNothingInThePageCache) {
  for (const Path path : {Path::direct, Path::ring}) {
    Environment environment("/dev/zero", path);
    block::Disk disk(environment);
    EXPECT_EQ(write_much(disk, FdBackend::kMostUnwritten), 0);
    EXPECT_EQ(environment.below->write_backs, 0);
  }
}

TEST(FdBackend, WhatThePageCacheLostFailsEveryLaterFlush) {
  ScratchDirectory directory;
  const std::string file = directory.make("disk", kBytes);
  Environment environment(file.c_str(), Path::cached);
  block::Disk disk(environment);
  environment.below->failing_write_backs = 1;
  EXPECT_EQ(write_much(disk, FdBackend::kMostUnwritten), EIO);
  EXPECT_EQ(environment.below->write_backs, 1);
  EXPECT_EQ(flush(disk), EIO);
  EXPECT_EQ(disk.run_one(disk.make_write(0, 8)), EIO);
  EXPECT_EQ(environment.below->syncs, 0) << "the kernel would say that all is well";
}

TEST(FdBackend, FlushesThatWaitShareOne) {
  ScratchDirectory directory;
  const std::string file = directory.make("disk", kBytes);
  Environment environment(file.c_str(), Path::cached);
  block::Disk disk(environment);
  environment.below->gate.close();
  block::Disk::Batch batch;
  batch.push_back(std::make_unique<DiskIo>(Op::write_zeroes, 0, 8));  // holds up the lane
  for (int i = 0; i < 100; ++i) batch.push_back(std::make_unique<DiskIo>(Op::flush, 0, 0));
  std::thread opener([&] {
    environment.below->gate.await_waiting();
    // In a turn of its own, when all have been submitted.
    post_call(environment.driver().loop(), [&] { environment.below->gate.open(); });
  });
  disk.run(batch);
  opener.join();
  for (const auto& io : batch) EXPECT_EQ(io->error, 0);
  EXPECT_EQ(environment.below->syncs, 1);
  EXPECT_EQ(flush(disk), 0);
  EXPECT_EQ(environment.below->syncs, 2) << "one that comes later is not covered";
}

TEST(FdBackend, ASizeThatIsNotToldIsAnErrorAndChangesNothing) {
  Environment environment("/dev/zero", Path::cached);
  block::Disk disk(environment);
  environment.below->bytes = 2 * kBytes;
  environment.below->gate.close();
  const auto first = disk.backend->refresh();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ETIMEDOUT);
  EXPECT_THAT(first.error().message, HasSubstr("/dev/zero does not tell its size"));
  const auto second = disk.backend->refresh();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EBUSY);
  EXPECT_EQ(disk.backend->geometry().bytes(), kBytes);
  environment.below->gate.open();
  while (!disk.backend->refresh()) std::this_thread::yield();
  EXPECT_EQ(disk.backend->geometry().bytes(), 2 * kBytes);
}

TEST(FdBackend, ACloseThatHangsIsLeftBehind) {
  Environment environment("/dev/zero", Path::cached);
  auto backend = *environment.open();
  environment.below->gate.close();
  backend.reset();
  EXPECT_FALSE(environment.below->closed);
  environment.below->gate.open();
  while (!environment.below->closed) std::this_thread::yield();
}

TEST(FdBackend, TakesOnlyWholeBlocksOfItsSize) {
  Environment environment("/dev/zero", Path::cached);
  block::Disk disk(environment);
  environment.below->bytes = kBytes + 700;
  EXPECT_TRUE(disk.backend->refresh());
  EXPECT_EQ(disk.backend->geometry().bytes(), kBytes + 512);
}

}  // namespace
}  // namespace weft::backends
