#include "backends/blockdev/blockdev.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <condition_variable>
#include <mutex>

#include "backends/blockdev/device_target.h"
#include "backends/blockdev/testing.h"
#include "backends/blockdev/uevents.h"

namespace weft::backends {
namespace {

using block::ControlValues;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::uint64_t kBytes = 4 * 1024 * 1024;

class BlockdevTest : public testing::Test {
 protected:
  using Opened = Result<std::shared_ptr<block::Backend>>;

  Opened open(ControlValues control, const std::string& name = "iblock_0/disk") {
    return plugin_.open({name, {}, std::move(control)});
  }
  void expect_refused(const Opened& opened, int code, const std::string& message) {
    ASSERT_FALSE(opened) << message;
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    EXPECT_THAT(opened.error().message, AllOf(HasSubstr("iblock_0/"), HasSubstr(message)));
    EXPECT_THAT(opened.error().message, Not(HasSubstr("\n")));
  }

  ScratchDirectory directory_;
  ReactorDriver driver_;
  block::Plugin plugin_ = make_blockdev_plugin(driver_.files());
};

class LoopDeviceTest : public BlockdevTest {
 protected:
  void SetUp() override { make(512); }
  void make(std::uint32_t block_bytes) {
    std::string why;
    device_.reset();
    device_ = LoopDevice::make(kBytes, block_bytes, why);
    if (device_ == nullptr) GTEST_SKIP() << why;
    path_ = device_->path();
  }
  std::unique_ptr<LoopDevice> device_;
  std::string path_;
};

TEST_F(BlockdevTest, RefusesWhatItCannotServe) {
  const std::string file = directory_.make("file", kBytes);
  const struct {
    ControlValues control;
    int code;
    std::string message;
  } rows[] = {
      {{}, EINVAL, "udev_path is missing"},
      {{{"udev_path", ""}}, EINVAL, "udev_path is missing"},
      {{{"udev_path", directory_ / "missing"}}, ENOENT, "No such file or directory; correct udev_path"},
      {{{"udev_path", file}}, EINVAL, file + " is a regular file; the plugin for those is fileio"},
      {{{"udev_path", "/dev/zero"}}, EINVAL, "/dev/zero is not a block device"},
      {{{"udev_path", directory_ / ""}}, EINVAL, "is not a block device"},
      {{{"udev_path", file}, {"readonly", "2"}}, EINVAL, "readonly=2: give 0 or 1"},
      {{{"udev_path", file}, {"shared", ""}}, EINVAL, "shared=: give 0 or 1"},
      {{{"udev_path", file}, {"iopoll", "yes"}}, EINVAL, "iopoll=yes: give 0 or 1"},
      {{{"udev_path", file}, {"exclusive", "x"}}, EINVAL, "exclusive=x: give 0 or 1"},
      {{{"udev_path", file}, {"exclusive", "1"}, {"shared", "1"}}, EINVAL, "contradict each other"},
  };
  for (const auto& row : rows) expect_refused(open(row.control), row.code, row.message);
}

TEST_F(LoopDeviceTest, SaysWhatItIs) {
  const auto backend = open({{"udev_path", path_}});
  ASSERT_TRUE(backend) << backend.error().message;
  const auto geometry = (*backend)->geometry();
  EXPECT_EQ(geometry.block_bytes, 512u);
  EXPECT_EQ(geometry.bytes(), kBytes);
  EXPECT_TRUE(geometry.volatile_cache);
  EXPECT_FALSE(geometry.read_only);
  EXPECT_THAT((*backend)->info(), AllOf(HasSubstr(path_), HasSubstr("4 MiB"), HasSubstr("direct")));
  for (const auto& key : plugin_.keys) EXPECT_FALSE(key.help.empty());
}

TEST_F(LoopDeviceTest, TakesItsDeviceForItself) {
  auto first = open({{"udev_path", path_}}, "iblock_0/first");
  ASSERT_TRUE(first) << first.error().message;
  expect_refused(open({{"udev_path", path_}}), EBUSY,
                 path_ + " is in use in this process as iblock_0/first; end that, or give shared=1");
  expect_refused(open({{"udev_path", path_}, {"readonly", "1"}}), EBUSY, "as iblock_0/first");
  expect_refused(open({{"udev_path", path_}, {"exclusive", "1"}}), EBUSY, "as iblock_0/first");
  EXPECT_TRUE(open({{"udev_path", path_}, {"shared", "1"}}));
  EXPECT_TRUE(open({{"udev_path", path_}, {"exclusive", "0"}}));
  first->reset();
  const UniqueFd elsewhere(::open(path_.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
  ASSERT_TRUE(elsewhere.is_open());
  expect_refused(open({{"udev_path", path_}}), EBUSY, path_ + " is in use by another process");
}

TEST_F(LoopDeviceTest, ABlockBelowTheDevicesIsRefused) {
  make(4096);
  if (IsSkipped()) return;
  EXPECT_EQ((*open({{"udev_path", path_}}))->geometry().block_bytes, 4096u);
  EXPECT_EQ((*open({{"udev_path", path_}, {"block_size", "4096"}}))->geometry().block_bytes, 4096u);
  expect_refused(open({{"udev_path", path_}, {"block_size", "512"}}), EINVAL,
                 "block_size=512: " + path_ + " takes blocks of at least 4096 bytes; give block_size=4096");
}

TEST_F(LoopDeviceTest, ALargerBlockMayBeChosenWhereItFits) {
  EXPECT_EQ((*open({{"udev_path", path_}, {"block_size", "4096"}}))->geometry().block_bytes, 4096u);
  device_->resize(kBytes + 512);
  expect_refused(open({{"udev_path", path_}, {"block_size", "4096"}}), EINVAL,
                 "not a whole number of blocks");
  EXPECT_EQ((*open({{"udev_path", path_}}))->geometry().bytes(), kBytes + 512);
}

TEST_F(LoopDeviceTest, AReadOnlyDeviceIsNamed) {
  if (const int error = device_->set_read_only(true); error != 0) GTEST_SKIP() << errno_text(error);
  expect_refused(open({{"udev_path", path_}}), EROFS, "readonly=1");
  const auto backend = open({{"udev_path", path_}, {"readonly", "1"}});
  ASSERT_TRUE(backend) << backend.error().message;
  EXPECT_TRUE((*backend)->geometry().read_only);
  EXPECT_EQ((*backend)->geometry().discard_granularity_blocks, 0u);
}

// Nobody calls refresh() here.
TEST_F(LoopDeviceTest, FollowsItsSizeByUevents) {
  struct Observer final : block::BackendObserver {
    void geometry_changed() override {
      const std::scoped_lock lock(mutex);
      ++changes;
      changed.notify_all();
    }
    bool await_change() {
      std::unique_lock lock(mutex);
      return changed.wait_for(lock, std::chrono::minutes(1), [this] { return changes > 0; });
    }
    std::mutex mutex;
    std::condition_variable changed;
    int changes = 0;
  } observer;
  if (!Uevents().is_listening()) GTEST_SKIP() << "this process may not hear the kernel's uevents";
  const auto backend = open({{"udev_path", path_}});
  ASSERT_TRUE(backend) << backend.error().message;
  (*backend)->add_observer(observer);
  device_->resize(2 * kBytes);
  EXPECT_TRUE(observer.await_change());
  EXPECT_EQ((*backend)->geometry().bytes(), 2 * kBytes);
  (*backend)->remove_observer(observer);
}

TEST_F(LoopDeviceTest, WatchesEndWhileEventsCome) {
  for (int i = 0; i < 50; ++i) {
    const auto backend = open({{"udev_path", path_}});
    ASSERT_TRUE(backend) << backend.error().message;
    device_->resize(kBytes + (i % 2 == 0 ? 4096 : 0));
  }
}

}  // namespace
}  // namespace weft::backends
