#include "backends/fd/open_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "base/result.h"

namespace weft::backends {

namespace {

std::uint64_t descriptor_limit() {
  rlimit files{};
  return ::getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : RLIM_INFINITY;
}

}  // namespace

std::uint64_t reserved_descriptors(std::uint64_t limit) {
  constexpr std::uint64_t kMost = 1024;
  return std::min(limit / 4, kMost);
}

UniqueFd open_within_limit(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags));
  if (!fd.is_open()) return fd;
  // Descriptors are given out from the lowest: this number says how many are taken.
  const std::uint64_t limit = descriptor_limit();
  if (static_cast<std::uint64_t>(fd.get()) < limit - reserved_descriptors(limit)) return fd;
  fd = UniqueFd();
  errno = EMFILE;
  return fd;
}

std::string open_error_text(int error) {
  if (error != EMFILE) return errno_text(error);
  const std::uint64_t limit = descriptor_limit();
  return fmt::format(
      "{}: the limit is {}, of which {} are kept for connections; raise LimitNOFILE= of the service or "
      "ulimit -Hn",
      errno_text(error), limit, reserved_descriptors(limit));
}

}  // namespace weft::backends
