#include "hang_fs/mounted_hang_fs.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "e2e/weftd_process.h"

namespace weft::e2e {

namespace {

// A mount whose file system has gone says ENOTCONN.
bool is_mounted(const std::string& directory) {
  constexpr ino_t kRootOfFuse = 1;
  struct stat status{};
  if (::stat(directory.c_str(), &status) != 0) return errno != ENOENT;
  return status.st_ino == kRootOfFuse;
}

}  // namespace

std::unique_ptr<MountedHangFs> MountedHangFs::mount(const std::string& mode, const std::string& directory,
                                                    std::string& why) {
  const int device = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) {
    why = std::string("/dev/fuse: ") + std::strerror(errno);
    return nullptr;
  }
  ::close(device);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  std::string words[] = {WEFT_HANG_FS, mode, directory};
  char* pointers[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t pid = -1;
  if (::posix_spawn(&pid, pointers[0], &actions, nullptr, pointers, environ) != 0) std::abort();
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  char byte = 0;
  const bool ready = ::read(ends[0], &byte, 1) == 1;
  ::close(ends[0]);
  if (ready) return std::unique_ptr<MountedHangFs>(new MountedHangFs(pid, directory));
  ::waitpid(pid, nullptr, 0);
  why = "a FUSE file system cannot be mounted here; its message is above";
  return nullptr;
}

MountedHangFs::~MountedHangFs() {
  // Its end ends the connection, and with that every call that hangs.
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  // Its helper unmounts it; if not, we do.
  constexpr int kTries = 1000;
  constexpr int kTriesOfHelper = 300;
  for (int i = 0; i < kTries && is_mounted(directory_); ++i) {
    if (i > kTriesOfHelper && ::umount2(directory_.c_str(), MNT_DETACH) != 0)
      run({"fusermount3", "-u", "-z", directory_});
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (!is_mounted(directory_)) return;
  std::fprintf(stderr, "%s: it cannot be unmounted\n", directory_.c_str());
  std::abort();
}

void MountedHangFs::begin_to_hang() {
  ::kill(pid_, SIGUSR1);
}

}  // namespace weft::e2e
