#include "backends/file/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstring>
#include <thread>

#include "backends/fd/testing.h"
#include "backends/file/file_target.h"

namespace weft::backends {
namespace {

using block::ControlValues;
using block::DiskIo;
using block::Op;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::uint64_t kBytes = 1 << 20;

class FileTest : public testing::Test {
 protected:
  using Opened = Result<std::shared_ptr<block::Backend>>;

  Opened open(ControlValues control, const std::string& name = "fileio_0/disk") {
    return plugin_.open({name, {}, std::move(control)});
  }
  // Buffered, which works everywhere.
  Opened open_buffered(ControlValues control, const std::string& name = "fileio_0/disk") {
    control["fd_buffered_io"] = "1";
    return open(std::move(control), name);
  }
  void expect_refused(const Opened& opened, int code, const std::string& message) {
    ASSERT_FALSE(opened) << message;
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    EXPECT_THAT(opened.error().message, AllOf(HasSubstr("fileio_0/"), HasSubstr(message)));
    EXPECT_THAT(opened.error().message, Not(HasSubstr("\n")));
  }

  ScratchDirectory directory_;
  ReactorDriver driver_;
  block::Plugin plugin_ = make_file_plugin(driver_.files());
  const std::string file_ = directory_.make("disk", kBytes);
};

TEST_F(FileTest, RefusesWhatItCannotServe) {
  const std::string odd = directory_.make("odd", kBytes + 100);
  const std::string even = directory_.make("even", kBytes + 512);
  const std::string empty = directory_.make("empty", 0);
  const std::string fifo = directory_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const std::string missing = directory_ / "missing";
  const struct {
    ControlValues control;
    int code;
    std::string message;
  } rows[] = {
      {{}, EINVAL, "fd_dev_name is missing"},
      {{{"fd_dev_name", "  "}}, EINVAL, "fd_dev_name is missing"},
      {{{"fd_dev_name", missing}}, ENOENT, missing + ": No such file or directory; give create=1"},
      {{{"fd_dev_name", file_ + "/x"}}, ENOTDIR, "correct fd_dev_name"},
      {{{"fd_dev_name", odd}}, EINVAL, "1048676 bytes are not a whole number of blocks of 512 bytes"},
      {{{"fd_dev_name", even}, {"block_size", "4096"}}, EINVAL, "not a whole number of blocks of 4096"},
      {{{"fd_dev_name", empty}}, EINVAL, "0 bytes are not a whole number"},
      {{{"fd_dev_name", directory_ / ""}}, EINVAL, "is not a regular file"},
      {{{"fd_dev_name", fifo}}, EINVAL, "is not a regular file"},
      {{{"fd_dev_name", "/dev/zero"}}, EINVAL, "/dev/zero is not a regular file"},
      {{{"fd_dev_name", file_}, {"block_size", "1024"}}, EINVAL, "give 512 or 4096"},
      {{{"fd_dev_name", file_}, {"readonly", "yes"}}, EINVAL, "readonly=yes: give 0 or 1"},
      {{{"fd_dev_name", file_}, {"shared", "2"}}, EINVAL, "shared=2: give 0 or 1"},
      {{{"fd_dev_name", file_}, {"iopoll", "2"}}, EINVAL, "iopoll=2: give 0 or 1"},
      {{{"fd_dev_name", file_}, {"iopoll", "1"}, {"fd_buffered_io", "1"}}, EINVAL, "contradict each other"},
      {{{"fd_dev_name", file_}, {"fd_async_io", "x"}}, EINVAL, "fd_async_io=x: give 0 or 1"},
      {{{"fd_dev_name", file_}, {"fd_dev_size", "1X"}}, EINVAL, "fd_dev_size=1X: give a size"},
      {{{"fd_dev_name", missing}, {"create", "1"}}, EINVAL, "create=1 needs the size"},
      {{{"fd_dev_name", missing}, {"create", "1"}, {"fd_dev_size", "1000"}}, EINVAL, "1000 bytes are not"},
      {{{"fd_dev_name", missing}, {"fd_dev_size", "1M"}}, ENOENT, "give create=1"},
      {{{"fd_dev_name", directory_ / "no/disk"}, {"create", "1"}, {"fd_dev_size", "1M"}}, ENOENT, "no/disk"},
  };
  for (const auto& row : rows) expect_refused(open_buffered(row.control), row.code, row.message);
  EXPECT_FALSE(std::filesystem::exists(missing));
}

TEST_F(FileTest, ABlockDeviceIsForTheOtherPlugin) {
  std::string device;
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator("/dev", error))
    if (each.is_block_file(error)) device = each.path();
  if (device.empty()) GTEST_SKIP() << "there is no block device in /dev";
  expect_refused(open({{"fd_dev_name", device}}), EINVAL,
                 device + " is a block device; the plugin for those is iblock");
}

TEST_F(FileTest, SaysWhatItIs) {
  const auto backend = *open_buffered({{"fd_dev_name", file_}, {"fd_async_io", "1"}});
  const auto geometry = backend->geometry();
  EXPECT_EQ(geometry.block_bytes, 512u);
  EXPECT_EQ(geometry.bytes(), kBytes);
  EXPECT_TRUE(geometry.volatile_cache);
  EXPECT_FALSE(geometry.read_only);
  EXPECT_EQ(backend->name(), "fileio_0/disk");
  EXPECT_THAT(backend->info(), AllOf(HasSubstr(file_), HasSubstr("1 MiB"), HasSubstr("buffered")));
  for (const auto& key : plugin_.keys) EXPECT_FALSE(key.help.empty());
}

TEST_F(FileTest, MakesASparseFileOnRequest) {
  const std::string path = directory_ / "new";
  const ControlValues control = {{"fd_dev_name", path}, {"create", "1"}, {"fd_dev_size", "8G"}};
  {
    const auto backend = open_buffered(control);
    ASSERT_TRUE(backend) << backend.error().message;
    EXPECT_EQ((*backend)->geometry().bytes(), std::uint64_t{8} << 30);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_blocks, 0);
    EXPECT_EQ(status.st_mode & 07777, 0600u);
  }
  std::filesystem::resize_file(path, kBytes);
  EXPECT_EQ((*open_buffered(control))->geometry().bytes(), kBytes) << "one that is there keeps its size";
  std::filesystem::resize_file(path, 0);
  EXPECT_EQ((*open_buffered(control))->geometry().bytes(), std::uint64_t{8} << 30)
      << "an empty one is what an interrupted start leaves";
}

TEST_F(FileTest, TakesItsFileForItself) {
  auto first = open_buffered({{"fd_dev_name", file_}}, "fileio_0/first");
  ASSERT_TRUE(first) << first.error().message;
  expect_refused(open_buffered({{"fd_dev_name", file_}}), EBUSY,
                 file_ + " is in use in this process as fileio_0/first; end that, or give shared=1");
  const std::string link = directory_ / "link";
  std::filesystem::create_symlink(file_, link);
  expect_refused(open_buffered({{"fd_dev_name", link}}), EBUSY, "in this process as fileio_0/first");
  expect_refused(open_buffered({{"fd_dev_name", file_}, {"readonly", "1"}}), EBUSY, "as fileio_0/first");
  EXPECT_TRUE(open_buffered({{"fd_dev_name", file_}, {"shared", "1"}}));
  first->reset();
  EXPECT_TRUE(open_buffered({{"fd_dev_name", file_}}));
}

TEST_F(FileTest, ReadersMayShare) {
  const auto first = open_buffered({{"fd_dev_name", file_}, {"readonly", "1"}}, "fileio_0/first");
  const auto second = open_buffered({{"fd_dev_name", file_}, {"readonly", "1"}}, "fileio_0/second");
  ASSERT_TRUE(first && second);
  expect_refused(open_buffered({{"fd_dev_name", file_}}), EBUSY, "in this process as fileio_0/");
}

// A process of its own that holds the lock until it is told to end.
class Locker {
 public:
  explicit Locker(const std::string& path) {
    int ready[2], end[2];
    EXPECT_EQ(::pipe(ready), 0);
    EXPECT_EQ(::pipe(end), 0);
    pid_ = ::fork();
    if (pid_ == 0) hold(path.c_str(), ready[1], end);
    ::close(ready[1]);
    ::close(end[0]);
    end_ = UniqueFd(end[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
  }
  ~Locker() {
    end_ = UniqueFd();
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  [[noreturn]] static void hold(const char* path, int ready, const int* end) {
    ::close(end[1]);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    const int fd = ::open(path, O_RDWR);
    const bool held = fd >= 0 && ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
    if (held) (void)!::write(ready, "x", 1);
    char byte = 0;
    (void)!::read(end[0], &byte, 1);
    ::_exit(0);
  }
  pid_t pid_ = -1;
  UniqueFd end_;
};

TEST_F(FileTest, NamesTheProcessThatHoldsIt) {
  const Locker locker(file_);
  expect_refused(open_buffered({{"fd_dev_name", file_}}), EBUSY,
                 file_ + " is in use by process " + std::to_string(locker.pid()) + " (");
  EXPECT_TRUE(open_buffered({{"fd_dev_name", file_}, {"shared", "1"}}));
}

// As of a process that has died, whose files the kernel still has: a descriptor on its way in a socket is in
// no process.
TEST_F(FileTest, WaitsForWhatNoProcessHolds) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  {
    const UniqueFd held(::open(file_.c_str(), O_RDWR | O_CLOEXEC));
    struct flock lock{};
    lock.l_type = F_WRLCK;
    ASSERT_EQ(::fcntl(held.get(), F_OFD_SETLK, &lock), 0);
    char byte = 0;
    iovec piece{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = held.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    ASSERT_EQ(::sendmsg(ends[0], &message, 0), 1);
  }
  expect_refused(open_buffered({{"fd_dev_name", file_}}), EBUSY, file_ + " is in use by another process");
  std::thread lets_go([&ends] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::close(ends[1]);
    ::close(ends[0]);
  });
  EXPECT_TRUE(open_buffered({{"fd_dev_name", file_}}));
  lets_go.join();
}

TEST_F(FileTest, ReadOnlyRefusesChanges) {
  class Environment final : public block::ConformanceEnvironment {
   public:
    Environment(block::LoopDriver& driver, std::function<Opened()> open)
        : driver_(driver), open_(std::move(open)) {}
    block::LoopDriver& driver() override { return driver_; }
    Opened open() override { return open_(); }

   private:
    block::LoopDriver& driver_;
    const std::function<Opened()> open_;
  } environment(driver_, [this] { return open_buffered({{"fd_dev_name", file_}, {"readonly", "1"}}); });
  std::filesystem::permissions(file_, std::filesystem::perms::owner_read);
  block::Disk disk(environment);
  EXPECT_TRUE(disk.geometry.read_only);
  EXPECT_EQ(disk.geometry.discard_granularity_blocks, 0u);
  EXPECT_EQ(disk.run_one(disk.make_write(0, 8)), EROFS);
  for (const Op op : {Op::discard, Op::write_zeroes})
    EXPECT_EQ(disk.run_one(std::make_unique<DiskIo>(op, 0, 8)), EROFS);
  disk.expect(0, 8);
  disk.flush();
}

// The file system of the tests does direct I/O or it does not; either way the answer is a clear one.
TEST_F(FileTest, DirectIoIsThereOrItsAbsenceIsNamed) {
  const auto direct = open({{"fd_dev_name", file_}});
  if (!direct) return expect_refused(direct, EINVAL, "fd_buffered_io=1");
  EXPECT_THAT((*direct)->info(), HasSubstr("direct"));
  EXPECT_THAT((*direct)->info(), Not(HasSubstr("buffered")));
}

// procfs has regular files and no direct I/O.
TEST_F(FileTest, AFileSystemWithoutDirectIoIsRefusedByName) {
  expect_refused(open({{"fd_dev_name", "/proc/self/status"}, {"readonly", "1"}}), EINVAL,
                 "/proc/self/status: its file system does no direct I/O; give fd_buffered_io=1");
}

TEST_F(FileTest, IsPolledOnlyWhereTheDeviceCanBe) {
  if (!directory_.takes_direct_io()) GTEST_SKIP() << "no direct I/O in " << file_;
  const auto opened = open({{"fd_dev_name", file_}, {"iopoll", "1"}});
  const UniqueFd fd(::open(file_.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
  if (!reactor::is_polled(fd.get()))
    return expect_refused(opened, EINVAL, "iopoll=1: " + file_ + " cannot be polled");
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_THAT((*opened)->info(), HasSubstr("direct, polled"));
}

TEST_F(FileTest, GivesSpaceBack) {
  FileTarget target(UniqueFd(::open(file_.c_str(), O_RDWR | O_CLOEXEC)), file_);
  const auto blocks = [&] {
    struct stat status{};
    EXPECT_EQ(::fstat(target.fd(), &status), 0);
    return status.st_blocks;
  };
  if (!target.can_discard()) GTEST_SKIP() << "the file system of " << file_ << " punches no holes";
  std::vector<char> data(kBytes, 'x');
  const auto fill = [&] {
    ASSERT_EQ(::pwrite(target.fd(), data.data(), data.size(), 0), static_cast<ssize_t>(kBytes));
    ASSERT_EQ(::fsync(target.fd()), 0);
  };
  fill();
  const auto full = blocks();
  EXPECT_EQ(target.discard(0, kBytes / 2), 0);
  EXPECT_LT(blocks(), full);
  fill();
  EXPECT_EQ(target.zero(0, kBytes / 2, true), 0);
  EXPECT_LT(blocks(), full);
  fill();
  EXPECT_EQ(target.zero(0, kBytes / 2, false), 0);
  EXPECT_GE(blocks(), full) << "zeroes that may not be unmapped keep their space";
  ASSERT_EQ(::pread(target.fd(), data.data(), kBytes, 0), static_cast<ssize_t>(kBytes));
  EXPECT_EQ(std::count(data.begin(), data.end(), 0), static_cast<std::ptrdiff_t>(kBytes / 2));
  EXPECT_EQ(*target.size_bytes(), kBytes);
}

// A file in memory punches holes but has no range of zeroes that keep their space.
TEST_F(FileTest, WritesZeroesWhereNothingBetterIsThere) {
  FileTarget target(UniqueFd(::memfd_create("disk", MFD_CLOEXEC)), "disk");
  std::vector<char> data(kBytes, 'x');
  ASSERT_EQ(::pwrite(target.fd(), data.data(), data.size(), 0), static_cast<ssize_t>(kBytes));
  ASSERT_EQ(::fallocate(target.fd(), FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
  struct stat before{}, after{};
  ASSERT_EQ(::fstat(target.fd(), &before), 0);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(target.zero(4096, kBytes / 2, false), 0);
  ASSERT_EQ(::fstat(target.fd(), &after), 0);
  EXPECT_EQ(after.st_blocks, before.st_blocks);
  ASSERT_EQ(::pread(target.fd(), data.data(), kBytes, 0), static_cast<ssize_t>(kBytes));
  EXPECT_EQ(std::count(data.begin(), data.end(), 0), static_cast<std::ptrdiff_t>(kBytes / 2));
  EXPECT_TRUE(target.can_discard());
  EXPECT_EQ(target.discard(0, kBytes), 0);
}

}  // namespace
}  // namespace weft::backends
