// For the tests of backends over file descriptors: a real reactor to drive them on, and a place for files.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "backends/fd/unique_fd.h"
#include "block/conformance_disk.h"
#include "reactor/testing.h"

namespace weft::backends {

// A LoopDriver whose loop is a reactor's.
class ReactorDriver final : public block::LoopDriver {
 public:
  ReactorDriver() : reactors_(reactor::testing::start_reactors()) {}

  Loop& loop() override { return *reactors_->all()[0]; }
  void call(const std::function<void()>& work) override { reactor::testing::on_loop(loop(), work); }
  bool wait(const std::function<bool()>& condition) override {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    return true;
  }
  reactor::FileIos& files() { return *reactors_; }

 private:
  const std::unique_ptr<reactor::Reactors> reactors_;
};

// A directory that goes with what is in it.  Below the current directory, which is on a disk where /tmp may
// be memory.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::current_path() / "weft_test_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  std::string operator/(const std::string& name) const { return path_ / name; }
  bool takes_direct_io() const {
    return UniqueFd(::open(make("probe", 4096).c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)).is_open();
  }
  // A sparse file.
  std::string make(const std::string& name, std::uint64_t bytes) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream(path).close();
    std::filesystem::resize_file(path, bytes);
    return path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace weft::backends
