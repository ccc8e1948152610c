#include "backends/file/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "backends/fd/direct_io.h"
#include "backends/fd/fd_backend.h"
#include "backends/fd/holders.h"
#include "backends/fd/let_go.h"
#include "backends/fd/open_files.h"
#include "backends/file/create.h"
#include "backends/file/file_target.h"
#include "block/control.h"

namespace weft::backends {

namespace {

using block::ControlKey;
using block::OpenOptions;

constexpr ControlKey kKeys[] = {
    {"fd_dev_name", "path of the file; required"},
    {"fd_dev_size", "size of a file that is to be created: bytes, or as 512M, 10G, 1.5T; else not used"},
    {"create", "1: make the file, sparse, when it is missing; needs fd_dev_size; default 0"},
    {"fd_buffered_io",
     "1: through the page cache, where 64 MiB may wait to be written, instead of direct I/O; default 0"},
    kIopollKey,
    {"fd_async_io", "0 or 1, for configurations of others: I/O is always asynchronous"},
    {"block_size", "logical block in bytes: 512 or 4096; default the smallest that the file allows"},
    {"readonly", "1: refuse writes; default 0"},
    {"shared", "1: take no lock on the file, others may use it too; default 0"},
};
constexpr std::uint32_t kMostAlignment = 4096;  // of the data in requests

struct Wanted {
  std::string path;
  bool buffered = false;
  bool polled = false;
  bool read_only = false;
  bool shared = false;
  bool create = false;
  std::optional<std::uint64_t> bytes;
};

// A backend and the note that it is there, which goes after it.
struct Held {
  Holders::Note note;
  std::shared_ptr<FdBackend> backend;
};

std::unexpected<Error> refuse(const OpenOptions& options, int code, const std::string& text) {
  return fail(code, options.name + ": " + text);
}

Result<Wanted> read_options(const OpenOptions& options) {
  Wanted wanted;
  wanted.path = control_text(options, "fd_dev_name");
  if (wanted.path.empty())
    return refuse(options, EINVAL, "fd_dev_name is missing; give the path of the file");
  bool async = false;
  const struct {
    const char* key;
    bool& value;
  } flags[] = {{"fd_buffered_io", wanted.buffered}, {"iopoll", wanted.polled}, {"fd_async_io", async},
               {"readonly", wanted.read_only},      {"shared", wanted.shared}, {"create", wanted.create}};
  for (const auto& flag : flags) {
    const auto value = control_flag(options, flag.key);
    if (!value) return std::unexpected(value.error());
    flag.value = *value;
  }
  const auto size = control_size(options, "fd_dev_size");
  if (!size) return std::unexpected(size.error());
  wanted.bytes = *size;
  if (wanted.polled && wanted.buffered)
    return refuse(options, EINVAL, "iopoll=1 and fd_buffered_io=1 contradict each other; give one of them");
  if (wanted.create && !wanted.bytes)
    return refuse(options, EINVAL, "create=1 needs the size of the file; give fd_dev_size=10G or the like");
  return wanted;
}

Result<> create(const OpenOptions& options, const std::string& path, std::uint64_t bytes) {
  const auto block_bytes = control_block_bytes(options);
  if (!block_bytes) return std::unexpected(block_bytes.error());
  constexpr std::uint32_t kSmallestBytes = 512;
  const auto blocks = whole_blocks(options, bytes, block_bytes->value_or(kSmallestBytes));
  if (!blocks) return std::unexpected(blocks.error());
  if (auto created = create_sparse(path, bytes); !created)
    return refuse(options, created.error().code, created.error().message);
  return {};
}

Result<> check_type(const OpenOptions& options, const std::string& path, mode_t mode) {
  if (S_ISREG(mode)) return {};
  if (S_ISBLK(mode))
    return refuse(options, EINVAL, path + " is a block device; the plugin for those is iblock");
  return refuse(options, EINVAL, path + " is not a regular file; fileio serves nothing else");
}

// Looks before it opens: the opening of what is no file can have effects.
Result<UniqueFd> open_file(const OpenOptions& options, const Wanted& wanted) {
  struct stat status{};
  if (::stat(wanted.path.c_str(), &status) != 0) {
    const int error = errno;
    const char* hint =
        error == ENOENT ? "; give create=1 and fd_dev_size to have it made" : "; correct fd_dev_name";
    return refuse(options, error, fmt::format("{}: {}{}", wanted.path, errno_text(error), hint));
  }
  if (auto checked = check_type(options, wanted.path, status.st_mode); !checked)
    return std::unexpected(checked.error());
  const int flags = (wanted.read_only ? O_RDONLY : O_RDWR) | (wanted.buffered ? 0 : O_DIRECT) | O_CLOEXEC;
  UniqueFd fd = open_within_limit(wanted.path, flags);
  if (!fd.is_open()) {
    const int error = errno;
    if (error == EINVAL && !wanted.buffered)
      return refuse(options, EINVAL,
                    wanted.path + ": its file system does no direct I/O; give fd_buffered_io=1");
    if (error == EROFS || error == EACCES)
      return refuse(options, error,
                    fmt::format("{}: {}; change its permissions{}", wanted.path, errno_text(error),
                                wanted.read_only ? "" : " or give readonly=1"));
    return refuse(options, error, fmt::format("{}: {}", wanted.path, open_error_text(error)));
  }
  return fd;
}

Result<> lock_file(const OpenOptions& options, const Wanted& wanted, int fd, const struct stat& status,
                   const Holders& holders) {
  struct flock lock{};
  lock.l_type = wanted.read_only ? F_RDLCK : F_WRLCK;
  lock.l_whence = SEEK_SET;
  const auto take = [&] { return ::fcntl(fd, F_OFD_SETLK, &lock) == 0; };
  if (take()) return {};
  const int error = errno;
  if (error != EAGAIN && error != EACCES)
    return refuse(options, error,
                  fmt::format("{}: it cannot be locked: {}; give shared=1 to go without a lock", wanted.path,
                              errno_text(error)));
  std::string who = holders.who({status.st_dev, status.st_ino});
  if (who.empty()) who = lock_holders(status.st_dev, status.st_ino);
  if (who.empty()) {
    if (until_let_go(take)) return {};
    who = "by another process";
  }
  return refuse(
      options, EBUSY,
      fmt::format("{} is in use {}; end that, or give shared=1 when both may write", wanted.path, who));
}

// The smallest block that the open file takes.
Result<std::uint32_t> least_block(const OpenOptions& options, const Wanted& wanted, int fd) {
  constexpr std::uint32_t kSmallestBytes = 512;
  if (wanted.buffered) return kSmallestBytes;
  const auto limits = direct_limits(fd);
  if (!limits) return reads_small_blocks(fd) ? kSmallestBytes : kMostAlignment;
  if (limits->offset_bytes == 0 || limits->memory_bytes > kMostAlignment)
    return refuse(options, EINVAL, wanted.path + ": no direct I/O is possible on it; give fd_buffered_io=1");
  return limits->offset_bytes;
}

Result<block::Geometry> look_at(const OpenOptions& options, const Wanted& wanted, FileTarget& target,
                                const struct stat& status) {
  const auto least = least_block(options, wanted, target.fd());
  if (!least) return std::unexpected(least.error());
  const auto block_bytes =
      choose_block_bytes(options, *least, fmt::format("direct I/O on {}", target.path()));
  if (!block_bytes) return std::unexpected(block_bytes.error());
  const auto blocks = whole_blocks(options, static_cast<std::uint64_t>(status.st_size), *block_bytes);
  if (!blocks) return std::unexpected(blocks.error());
  block::Geometry geometry;
  geometry.block_bytes = *block_bytes;
  geometry.blocks = *blocks;
  geometry.volatile_cache = true;
  geometry.read_only = wanted.read_only;
  const auto unit = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(status.st_blksize) / *block_bytes);
  if (!wanted.read_only && target.can_discard()) geometry.discard_granularity_blocks = unit;
  geometry.optimal_io_blocks = unit;
  return geometry;
}

Result<std::shared_ptr<block::Backend>> open_backend(const OpenOptions& options, reactor::FileIos& files,
                                                     Holders& holders) {
  const auto wanted = read_options(options);
  if (!wanted) return std::unexpected(wanted.error());
  if (const auto bytes = wanted->bytes; wanted->create && bytes && !wanted->read_only)
    if (auto created = create(options, wanted->path, *bytes); !created)
      return std::unexpected(created.error());
  auto fd = open_file(options, *wanted);
  if (!fd) return std::unexpected(fd.error());
  auto target = std::make_shared<FileTarget>(std::move(*fd), wanted->path);
  struct stat status{};
  if (::fstat(target->fd(), &status) != 0) return refuse(options, errno, wanted->path);
  if (auto checked = check_type(options, wanted->path, status.st_mode); !checked)
    return std::unexpected(checked.error());
  if (!wanted->shared)
    if (auto locked = lock_file(options, *wanted, target->fd(), status, holders); !locked)
      return std::unexpected(locked.error());
  const auto geometry = look_at(options, *wanted, *target, status);
  if (!geometry) return std::unexpected(geometry.error());

  const Result<FdBackend::Path> path =
      wanted->buffered ? FdBackend::Path::cached : choose_direct_path(options, *target, wanted->polled);
  if (!path) return std::unexpected(path.error());
  auto held = std::make_shared<Held>();
  held->note = holders.note({status.st_dev, status.st_ino}, options.name);
  held->backend = std::make_shared<FdBackend>(options, std::move(target), *geometry, *path, files);
  return std::shared_ptr<block::Backend>(held, held->backend.get());
}

}  // namespace

block::Plugin make_file_plugin(reactor::FileIos& files) {
  return {.name = "fileio",
          .summary = "a regular file",
          .keys = kKeys,
          .open = [&files, holders = std::make_shared<Holders>()](
                      const OpenOptions& options) { return open_backend(options, files, *holders); },
          .path_kind = block::PathKind::file,
          .path_key = "fd_dev_name",
          .buffered_key = "fd_buffered_io"};
}

}  // namespace weft::backends
