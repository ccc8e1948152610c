#include "backends/file/create.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "backends/fd/unique_fd.h"

namespace weft::backends {

namespace {

constexpr mode_t kMode = 0600;

Result<> sync_directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  const std::string directory = parent.empty() ? "." : parent;
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) return fail_errno(errno, directory);
  return {};
}

}  // namespace

Result<> create_sparse(const std::string& path, std::uint64_t bytes) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && (!S_ISREG(status.st_mode) || status.st_size != 0)) return {};
  // An empty one is what is left of a start that was interrupted here.
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kMode));
  if (!fd.is_open()) return fail_errno(errno, path);
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, path);
  if (!S_ISREG(status.st_mode) || status.st_size != 0) return {};
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0)
    return fail_errno(errno, fmt::format("{}: making it {} bytes long", path, bytes));
  if (::fsync(fd.get()) != 0) return fail_errno(errno, path);
  return sync_directory_of(path);
}

}  // namespace weft::backends
