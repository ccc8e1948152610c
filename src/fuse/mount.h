// One FUSE file system, mounted on a directory, with a thread of its own that hands the kernel's requests to
// the operations.  They answer there, or later on any thread, until the mount is destroyed.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "base/result.h"
#include "fuse/libfuse.h"

namespace weft::fuse {

struct MountOptions {
  std::string directory;  // absolute; made when missing, else empty
  const char* thread = "weft-fuse";
  bool carries_io = false;  // else it is a control thread
};

class Mount {
 public:
  // A dead mount of Weft that an earlier process left there is detached; every other mount, and a directory
  // with something inside, is refused.  `user` is what fuse_req_userdata() gives.  Not on a loop.  Errors:
  // one line with the directory and what to do; what libfuse or fusermount3 add to it goes to stderr.
  static Result<std::unique_ptr<Mount>> start(const MountOptions& options,
                                              const fuse_lowlevel_ops& operations, void* user);
  // Unmounts, whoever still uses the directory.  What the operations had not answered must not be answered
  // any more.
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  // Ends the thread: no operation runs any more.  Not in an operation.
  void stop();

  const std::string& directory() const { return directory_; }  // canonical
  fuse_session* session() const { return session_; }

 private:
  explicit Mount(std::string directory) : directory_(std::move(directory)) {}
  Result<> open(const MountOptions& options, const fuse_lowlevel_ops& operations, void* user);
  void serve() const;

  const std::string directory_;
  fuse_session* session_ = nullptr;
  bool mounted_ = false;
  std::atomic<bool> stops_ = false;
  int stop_ = -1;  // an eventfd: readable when the thread is to end
  std::thread thread_;
};

}  // namespace weft::fuse
