// A listening Unix socket in the file system, and who may use it: its directory is 0700 and it is 0600; with
// a group 0750 and 0660.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace weft::faces {

struct SocketOptions {
  std::string path;   // absolute
  std::string group;  // a name or a number; empty: none
  bool is_own_directory =
      false;  // the directory is there for Weft alone: its mode is set even where it exists
};

class SocketFile {
 public:
  // The directory is made when it is missing.  The socket of a process that is gone is replaced.  EADDRINUSE:
  // another process listens there; says which.
  static Result<std::unique_ptr<SocketFile>> listen(const SocketOptions& options);
  ~SocketFile();  // with the name, unless somebody else has it now
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  int fd() const { return fd_; }  // does not block
  const std::string& path() const { return path_; }

 private:
  SocketFile(std::string path, int fd, dev_t device, ino_t inode)
      : path_(std::move(path)), fd_(fd), device_(device), inode_(inode) {}
  const std::string path_;
  const int fd_;
  const dev_t device_;
  const ino_t inode_;
};

}  // namespace weft::faces
