#include "reactor/file_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/dice.h"
#include "base/page_memory.h"
#include "reactor/file_ring.h"
#include "reactor/testing.h"

namespace weft::reactor {
namespace {

using testing::on_loop;
using testing::start_reactors;
using testing::Watch;

struct TestOp : FileOp {
  TestOp(Watch& its_watch, int file) : watch(its_watch) {
    fd = file;
    done = [](FileOp& op) noexcept {
      auto& self = static_cast<TestOp&>(op);
      self.watch.change([&self] { self.is_done = true; });
    };
  }
  Watch& watch;
  bool is_done = false;
  bool done_inside_submit = false;
  std::vector<iovec> list;
};

class FileIoTest : public ::testing::Test {
 protected:
  FileIoTest() : fd_(::memfd_create("file_io_test", MFD_CLOEXEC)) {}
  ~FileIoTest() override { ::close(fd_); }

  Loop& loop() { return *reactors_->all()[0]; }

  std::unique_ptr<TestOp> make(FileOp::Kind kind, std::uint64_t offset, std::vector<iovec> pieces) {
    auto op = std::make_unique<TestOp>(watch_, fd_);
    op->kind = kind;
    op->offset_bytes = offset;
    op->list = std::move(pieces);
    op->pieces = op->list;
    return op;
  }
  void submit(TestOp& op) {
    on_loop(loop(), [&] {
      reactors_->of(loop()).submit(op);
      op.done_inside_submit = op.is_done;
    });
  }
  int run(TestOp& op) {
    submit(op);
    EXPECT_TRUE(watch_.wait([&op] { return op.is_done; }));
    EXPECT_FALSE(op.done_inside_submit);
    return op.error;
  }

  std::unique_ptr<Reactors> reactors_ = start_reactors();
  Watch watch_;
  int fd_;
};

TEST_F(FileIoTest, WritesAndReadsBackInPieces) {
  Dice dice(7);
  std::vector<char> out(1 << 20), in(out.size());
  for (char& c : out) c = static_cast<char>(dice.next());
  const auto cut = [&dice](std::vector<char>& bytes) {
    std::vector<iovec> pieces;
    std::size_t at = 0;
    while (pieces.size() + 1 < FileOp::kMaxPieces) {
      const std::size_t length = dice.below(bytes.size() / FileOp::kMaxPieces);
      pieces.push_back({bytes.data() + at, length});
      at += length;
    }
    pieces.push_back({bytes.data() + at, bytes.size() - at});
    return pieces;
  };
  auto write = make(FileOp::Kind::write, 12345, cut(out));
  write->dsync = true;
  EXPECT_EQ(run(*write), 0);
  auto read = make(FileOp::Kind::read, 12345, cut(in));
  EXPECT_EQ(run(*read), 0);
  EXPECT_TRUE(in == out);
}

TEST_F(FileIoTest, TheEndWithinAReadIsAnErrorAndNeverZeroes) {
  ASSERT_EQ(::ftruncate(fd_, 1000), 0);
  std::vector<char> bytes(1001);
  EXPECT_EQ(run(*make(FileOp::Kind::read, 0, {{bytes.data(), 1000}})), 0);
  EXPECT_EQ(run(*make(FileOp::Kind::read, 0, {{bytes.data(), 1001}})), EIO);
  EXPECT_EQ(run(*make(FileOp::Kind::read, 1000, {{bytes.data(), 1}})), EIO);
  EXPECT_EQ(run(*make(FileOp::Kind::read, 5000, {})), 0);
  EXPECT_EQ(run(*make(FileOp::Kind::read, 5000, {{bytes.data(), 0}})), 0);
}

TEST_F(FileIoTest, AShortWriteIsResumedAndMeetsItsError) {
  // The limit on a file's size cuts a write short at first, then refuses the rest.
  ASSERT_NE(std::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
  char name[] = "/tmp/weft-file-io-test-XXXXXX";
  const int file = ::mkstemp(name);
  ASSERT_GE(file, 0);
  ::unlink(name);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit limited{6000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  std::vector<char> bytes(10000, 'x');
  auto op = make(FileOp::Kind::write, 0, {{bytes.data(), 5000}, {bytes.data() + 5000, 5000}});
  op->fd = file;
  EXPECT_EQ(run(*op), EFBIG);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  struct stat status{};
  ASSERT_EQ(::fstat(file, &status), 0);
  EXPECT_EQ(status.st_size, 6000);
  ::close(file);
}

TEST_F(FileIoTest, SyncsAndAllocates) {
  TestOp allocate(watch_, fd_);
  allocate.kind = FileOp::Kind::fallocate;
  allocate.offset_bytes = 4096;
  allocate.length_bytes = 8192;
  EXPECT_EQ(run(allocate), 0);
  struct stat status{};
  ASSERT_EQ(::fstat(fd_, &status), 0);
  EXPECT_EQ(status.st_size, 4096 + 8192);
  TestOp sync(watch_, fd_);
  sync.kind = FileOp::Kind::fdatasync;
  EXPECT_EQ(run(sync), 0);
}

TEST_F(FileIoTest, TellsTheErrorOfABadDescriptor) {
  char byte = 0;
  auto op = make(FileOp::Kind::read, 0, {{&byte, 1}});
  op->fd = -1;
  EXPECT_EQ(run(*op), EBADF);
  TestOp sync(watch_, -1);
  sync.kind = FileOp::Kind::fdatasync;
  EXPECT_EQ(run(sync), EBADF);
}

// Whole pages of the loop's own buffers, in one piece and in several, there and back.
TEST_F(FileIoTest, MovesTheLoopsBuffers) {
  constexpr std::size_t kBytes = 2 * kLargeBufferBytes;
  BufferPool::Party party(BufferPool::Party::Kind::io);
  Buffers one, several, back;
  on_loop(loop(), [&] {
    BufferPool& pool = loop().buffers();
    ASSERT_TRUE(pool.try_take(party, 4096, one));
    ASSERT_TRUE(pool.try_take(party, kBytes, several));
    ASSERT_TRUE(pool.try_take(party, 4096, back));
  });
  const auto fill = [](Buffers& buffers, int first) {
    for (const iovec& piece : buffers.pieces()) std::memset(piece.iov_base, first++, piece.iov_len);
  };
  const auto all_of = [](Buffers& buffers) {
    return std::vector<iovec>(buffers.pieces().begin(), buffers.pieces().end());
  };
  fill(one, 'a');
  fill(several, 'b');
  auto first = make(FileOp::Kind::write, 0, all_of(one));
  auto second = make(FileOp::Kind::write, 4096, all_of(several));
  second->dsync = true;
  EXPECT_EQ(run(*first), 0);
  EXPECT_EQ(run(*second), 0);
  const char expected[] = {'a', 'b', 'c'};
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{4096}, 4096 + kLargeBufferBytes}) {
    fill(back, 0);
    EXPECT_EQ(run(*make(FileOp::Kind::read, offset, all_of(back))), 0);
    const auto* const bytes = static_cast<const char*>(back.pieces()[0].iov_base);
    const char wanted = expected[offset == 0 ? 0 : offset == 4096 ? 1 : 2];
    EXPECT_EQ(std::count(bytes, bytes + 4096, wanted), 4096) << offset;
  }
  // The end of the file in the middle of it.
  ASSERT_EQ(::ftruncate(fd_, 6000), 0);
  EXPECT_EQ(run(*make(FileOp::Kind::read, 4096, all_of(back))), EIO);
  on_loop(loop(), [&] {
    for (Buffers* buffers : {&one, &several, &back}) loop().buffers().give_back(party, *buffers);
  });
}

// The kernel polls a device without poll queues in vain, or says that it cannot.  Either way each operation
// is done.  With poll queues: tests/real_host/iopoll.sh.
TEST_F(FileIoTest, PolledOperationsAreDone) {
  char name[] = "weft-polled-XXXXXX";
  const int made = ::mkstemp(name);
  ASSERT_GE(made, 0);
  constexpr std::size_t kPage = 4096, kOps = 64;
  ASSERT_EQ(::fallocate(made, 0, 0, kOps * kPage), 0);
  const int file = ::open(name, O_RDWR | O_DIRECT | O_CLOEXEC);
  ::unlink(name);
  ::close(made);
  if (file < 0) GTEST_SKIP() << "no direct I/O in the current directory";
  const PageMemory memory = page_memory(kOps * kPage);
  std::memset(memory.get(), 0xff, kOps * kPage);
  for (const auto kind : {FileOp::Kind::read, FileOp::Kind::write}) {
    std::vector<std::unique_ptr<TestOp>> ops;
    for (std::size_t i = 0; i < kOps; ++i) {
      ops.push_back(make(kind, i * kPage, {{memory.get() + i * kPage, kPage}}));
      ops.back()->fd = file;
      ops.back()->polled = i % 2 == 0;
    }
    on_loop(loop(), [&] {
      for (auto& op : ops) reactors_->of(loop()).submit(*op);
    });
    for (std::size_t i = 0; i < kOps; ++i) {
      ASSERT_TRUE(watch_.wait([&] { return ops[i]->is_done; })) << i;
      EXPECT_EQ(ops[i]->error, 0) << i;
      EXPECT_TRUE(kind != FileOp::Kind::read || memory[i * kPage] == std::byte{0})
          << "the file's zeroes, " << i;
    }
  }
  ::close(file);
}

TEST_F(FileIoTest, TakesMoreThanTheRingHolds) {
  constexpr std::size_t kOps = FileRing::kMostInFlight * 8;
  std::vector<std::uint64_t> values(kOps), back(kOps);
  std::vector<std::unique_ptr<TestOp>> ops;
  for (std::size_t i = 0; i < kOps; ++i) {
    values[i] = i * 0x9E3779B97F4A7C15u;
    ops.push_back(make(FileOp::Kind::write, i * 8, {{&values[i], 8}}));
  }
  const auto run_all = [&] {
    on_loop(loop(), [&] {
      for (auto& op : ops) reactors_->of(loop()).submit(*op);
    });
    for (auto& op : ops) {
      ASSERT_TRUE(watch_.wait([&op] { return op->is_done; }));
      ASSERT_EQ(op->error, 0);
    }
  };
  run_all();
  ops.clear();
  for (std::size_t i = 0; i < kOps; ++i) ops.push_back(make(FileOp::Kind::read, i * 8, {{&back[i], 8}}));
  run_all();
  EXPECT_TRUE(values == back);
}

}  // namespace
}  // namespace weft::reactor
