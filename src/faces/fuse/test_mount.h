// A test's tree, mounted in a directory of its own; the test is skipped where nothing can be mounted.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "config/test_tree.h"
#include "faces/fuse/fuse_mount.h"
#include "fuse/mount_point.h"

namespace weft::faces {

// Waits for what comes by itself; the kernel tells nobody when it has forgotten something.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + config::kTestPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// What a system call that gave `result` failed with; 0: it did not.
inline int error_of(long result) {
  return result < 0 ? errno : 0;
}

// One open and one write(2), as nvmetcli does it.  The errno of what failed, or 0.
inline int write_file(const std::string& path, std::string_view text, int flags = O_WRONLY | O_TRUNC) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) return errno;
  const int error = error_of(::write(file, text.data(), text.size()));
  ::close(file);
  return error;
}

// The text, or "errno N".
inline std::string read_file(const std::string& path) {
  std::string text;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return "errno " + std::to_string(errno);
  char piece[4096];
  ssize_t got = 0;
  while ((got = ::read(file, piece, sizeof piece)) > 0) text.append(piece, static_cast<std::size_t>(got));
  if (got < 0) text = "errno " + std::to_string(errno);
  ::close(file);
  return text;
}

inline std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    names.push_back(entry.path().filename());
  return names;
}

inline pid_t spawn(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  if (::posix_spawnp(&pid, pointers[0], nullptr, nullptr, pointers.data(), environ) != 0) std::abort();
  return pid;
}

// As waitpid tells it.
inline int wait_for_end(pid_t pid) {
  int status = -1;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  // What a failed test has left mounted is detached first.
  ~TemporaryDirectory() {
    while (mounted("mount")) std::ignore = fuse::detach_mount(path_ + "/mount");
    std::filesystem::remove_all(path_);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  bool mounted(const std::string& name) const {
    std::ifstream file("/proc/self/mountinfo");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return fuse::mounted_there(text, path_ + "/" + name).has_value();
  }

 private:
  std::string path_ =
      std::filesystem::canonical(std::filesystem::temp_directory_path()).native() + "/weft_fuse_XXXXXX";
};

class MountTest : public testing::Test {
 protected:
  void SetUp() override { mount_tree(); }

  void mount_tree() {
    if (const Result<> available = fuse::check_fuse_available(); !available)
      GTEST_SKIP() << available.error().message;
    auto mounted = FuseMount::mount(tree_, {.directory = directory_ / "mount"});
    if (!mounted && mounted.error().code == EPERM) GTEST_SKIP() << mounted.error().message;
    ASSERT_TRUE(mounted) << mounted.error().message;
    mount_ = *std::move(mounted);
  }

  std::string at(const std::string& path) const { return directory_ / "mount/" + path; }
  int make(const std::string& path) const { return error_of(::mkdir(at(path).c_str(), 0777)); }
  int remove(const std::string& path) const { return error_of(::rmdir(at(path).c_str())); }
  struct stat status(const std::string& path) const {
    struct stat status{};
    if (::lstat(at(path).c_str(), &status) != 0) status.st_mode = 0;
    return status;
  }

  TemporaryDirectory directory_;
  config::TestTree tree_;
  std::unique_ptr<FuseMount> mount_;
};

}  // namespace weft::faces
