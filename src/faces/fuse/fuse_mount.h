// The configuration tree as a directory, through FUSE: attributes are files, objects are directories.
//
//   cat DIR/.../attr_serial           the value and a newline
//   echo 1 > DIR/.../enable           each write(2) is one change with the whole of what it was given, at
//                                     whatever offset, as in sysfs and configfs: `>>` and several echo in one
//                                     redirection work; a value is at most 64 KiB (EFBIG)
//   mkdir, rmdir, ln -s, rm           objects and links; rmdir takes the attributes inside along
//
// A change waits for the tree and holds no thread here.  A signal ends the wait with EINTR; the change itself
// goes on.  The kernel lets one writer at a time into a file, and one change of names into a directory: who
// comes second waits in the kernel until the first was answered or interrupted.
//
// Truncation and times are accepted and change nothing; other modes and owners, other names (mv), hard links
// and new files are refused with EPERM.  Nothing is cached.  Mounted by root, every user may look, as the
// mode bits say; mounted by somebody else, only that user.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/tree.h"

namespace weft::faces {

struct MountOptions {
  std::string directory;  // absolute; made when missing, else empty
};

class FuseMount {
 public:
  // The tree must outlive the mount, not the answers that it still owes.  A dead mount that an earlier
  // process left there is detached; every other mount, and a directory with something inside, is refused.
  //
  // Starts one thread, which asks the tree.  Not on a loop.  Errors: one line with the directory and what to
  // do; what libfuse or fusermount3 add to it goes to stderr.
  static Result<std::unique_ptr<FuseMount>> mount(config::Tree& tree, const MountOptions& options);

  // Answers ENODEV to what waits, ends the thread and unmounts, whoever still uses the directory.
  ~FuseMount();
  FuseMount(const FuseMount&) = delete;
  FuseMount& operator=(const FuseMount&) = delete;

  const std::string& directory() const;  // canonical

  // How many objects the kernel remembers, with the root.  Any thread.
  std::size_t known_objects() const;

 private:
  struct State;
  explicit FuseMount(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace weft::faces
