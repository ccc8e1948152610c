// For tests on a block device: a loop device over a file, where this machine can make one.
#pragma once

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <memory>
#include <string>

#include "backends/fd/testing.h"
#include "backends/fd/unique_fd.h"

namespace weft::backends {

class LoopDevice {
 public:
  // Null when there can be none here; `why` then says so.
  static std::unique_ptr<LoopDevice> make(std::uint64_t bytes, std::uint32_t block_bytes, std::string& why) {
    std::unique_ptr<LoopDevice> loop(new LoopDevice);
    constexpr int kTries = 20;  // others take the free one before us
    for (int i = 0; i < kTries; ++i) {
      const int error = loop->attach(bytes, block_bytes);
      if (error == 0) return loop;
      why = "no loop device: " + errno_text(error);
      if (error != EBUSY) break;
    }
    return nullptr;
  }
  ~LoopDevice() {
    if (!device_.is_open()) return;
    (void)set_read_only(false);  // the next one to use its number would find it so
    ::ioctl(device_.get(), LOOP_CLR_FD, 0);
  }
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;

  const std::string& path() const { return path_; }
  int set_read_only(bool read_only) {
    const int value = read_only ? 1 : 0;
    return ::ioctl(device_.get(), BLKROSET, &value) == 0 ? 0 : errno;
  }
  void resize(std::uint64_t bytes) {
    std::filesystem::resize_file(file_, bytes);
    ASSERT_EQ(::ioctl(device_.get(), LOOP_SET_CAPACITY, 0), 0);
  }

 private:
  LoopDevice() = default;

  int attach(std::uint64_t bytes, std::uint32_t block_bytes) {
    const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control.is_open()) return errno;
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return errno;
    path_ = "/dev/loop" + std::to_string(number);
    file_ = directory_.make("below", bytes);
    const UniqueFd below(::open(file_.c_str(), O_RDWR | O_CLOEXEC));
    UniqueFd device(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!below.is_open() || !device.is_open()) return errno;
    loop_config config{};
    config.fd = static_cast<unsigned>(below.get());
    config.block_size = block_bytes;
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) != 0) return errno;
    device_ = std::move(device);
    return 0;
  }

  ScratchDirectory directory_;
  std::string file_;
  std::string path_;
  UniqueFd device_;
};

}  // namespace weft::backends
