#include "daemon/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace weft::daemon {

Result<std::string> read_file(const std::string& path) {
  constexpr std::size_t kMostBytes = std::size_t{64} * 1024 * 1024;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail_errno(errno, path);
  std::string text;
  char piece[65536];
  ssize_t count = 0;
  while ((count = ::read(fd, piece, sizeof piece)) > 0 && text.size() <= kMostBytes)
    text.append(piece, static_cast<std::size_t>(count));
  const int error = count < 0 ? errno : 0;
  ::close(fd);
  if (error != 0) return fail_errno(error, path);
  if (text.size() > kMostBytes)
    return fail(EFBIG, path + ": it has more than 64 MiB, which no configuration needs");
  return text;
}

}  // namespace weft::daemon
