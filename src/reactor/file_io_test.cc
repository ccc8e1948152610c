#include "reactor/file_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <vector>

#include "base/dice.h"
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
