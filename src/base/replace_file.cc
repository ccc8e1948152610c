#include "base/replace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace weft {

namespace {

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<> replace_file(const std::string& path, std::string_view content) {
  std::string beside = path + ".XXXXXX";
  const int fd = ::mkostemp(beside.data(), O_CLOEXEC);
  if (fd < 0) return fail_errno(errno, path);
  bool done = write_all(fd, content) && ::fsync(fd) == 0;
  int code = errno;
  ::close(fd);
  if (done && ::rename(beside.c_str(), path.c_str()) != 0) {
    done = false;
    code = errno;
  }
  if (!done) {
    ::unlink(beside.c_str());
    return fail_errno(code, path);
  }
  return sync_directory(directory_of(path));
}

Result<> sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = fd >= 0 && ::fsync(fd) == 0;
  const int code = errno;
  if (fd >= 0) ::close(fd);
  return done ? Result<>() : fail_errno(code, path);
}

}  // namespace weft
