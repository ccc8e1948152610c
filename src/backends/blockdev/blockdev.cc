#include "backends/blockdev/blockdev.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "backends/blockdev/device_target.h"
#include "backends/blockdev/uevents.h"
#include "backends/fd/direct_io.h"
#include "backends/fd/fd_backend.h"
#include "backends/fd/holders.h"
#include "backends/fd/let_go.h"
#include "backends/fd/open_files.h"
#include "block/control.h"

namespace weft::backends {

namespace {

using block::ControlKey;
using block::OpenOptions;

constexpr ControlKey kKeys[] = {
    {"udev_path", "path of the block device, best one of /dev/disk/by-id; required"},
    {"readonly", "1: refuse writes; default 0"},
    {"exclusive", "0: as shared=1; default 1"},
    {"shared", "1: others may have the device open or mounted too; default 0"},
    kIopollKey,
    {"block_size", "logical block in bytes: 512 or 4096, not below the device's; default the device's"},
};

struct Wanted {
  std::string path;
  bool read_only = false;
  bool shared = false;
  bool polled = false;
};

// What all devices of the plugin have in common.
struct Common {
  Holders holders;
  Uevents uevents;
};

// A backend; the watch ends before it, the note goes after it.
struct Held {
  std::shared_ptr<Common> common;
  Holders::Note note;
  std::shared_ptr<FdBackend> backend;
  Uevents::Watch watch;
};

std::unexpected<Error> refuse(const OpenOptions& options, int code, const std::string& text) {
  return fail(code, options.name + ": " + text);
}

Result<Wanted> read_options(const OpenOptions& options) {
  Wanted wanted;
  wanted.path = control_text(options, "udev_path");
  if (wanted.path.empty())
    return refuse(options, EINVAL, "udev_path is missing; give the path of the block device");
  const auto read_only = control_flag(options, "readonly");
  if (!read_only) return std::unexpected(read_only.error());
  const auto shared = control_flag(options, "shared");
  if (!shared) return std::unexpected(shared.error());
  const auto exclusive = control_flag(options, "exclusive");
  if (!exclusive) return std::unexpected(exclusive.error());
  const auto polled = control_flag(options, "iopoll");
  if (!polled) return std::unexpected(polled.error());
  if (*shared && *exclusive)
    return refuse(options, EINVAL, "shared=1 and exclusive=1 contradict each other; give one of them");
  wanted.read_only = *read_only;
  wanted.polled = *polled;
  wanted.shared = *shared || (options.control.contains("exclusive") && !*exclusive);
  return wanted;
}

Result<> check_type(const OpenOptions& options, const std::string& path, mode_t mode) {
  if (S_ISBLK(mode)) return {};
  if (S_ISREG(mode))
    return refuse(options, EINVAL, path + " is a regular file; the plugin for those is fileio");
  return refuse(options, EINVAL, path + " is not a block device; iblock serves nothing else");
}

Result<UniqueFd> open_device(const OpenOptions& options, const Wanted& wanted, const Holders& holders) {
  struct stat status{};
  if (::stat(wanted.path.c_str(), &status) != 0) {
    const int missing = errno;
    return refuse(options, missing,
                  fmt::format("{}: {}; correct udev_path", wanted.path, errno_text(missing)));
  }
  if (auto checked = check_type(options, wanted.path, status.st_mode); !checked)
    return std::unexpected(checked.error());
  const int flags =
      (wanted.read_only ? O_RDONLY : O_RDWR) | O_DIRECT | O_CLOEXEC | (wanted.shared ? 0 : O_EXCL);
  UniqueFd fd = open_within_limit(wanted.path, flags);
  if (fd.is_open()) return fd;
  int error = errno;
  std::string who = holders.who({0, status.st_rdev});
  if (error == EBUSY && who.empty()) {
    until_let_go([&] {
      fd = open_within_limit(wanted.path, flags);
      error = errno;
      return fd.is_open() || error != EBUSY;
    });
    if (fd.is_open()) return fd;
  }
  if (error == EBUSY) {
    if (who.empty()) who = "by another process, a mount or a device above it";
    return refuse(
        options, EBUSY,
        fmt::format("{} is in use {}; end that, or give shared=1 when both may write", wanted.path, who));
  }
  const bool may_be_read = (error == EROFS || error == EACCES) && !wanted.read_only;
  return refuse(options, error,
                fmt::format("{}: {}{}", wanted.path, open_error_text(error),
                            may_be_read ? "; change its permissions or give readonly=1" : ""));
}

Result<block::Geometry> look_at(const OpenOptions& options, const Wanted& wanted, const DeviceTarget& target,
                                dev_t device) {
  const auto limits = device_limits(target.fd(), device, target.path());
  if (!limits) return refuse(options, limits.error().code, limits.error().message);
  if (limits->read_only && !wanted.read_only)
    return refuse(options, EROFS, target.path() + " is read-only; give readonly=1");
  const auto block_bytes = choose_block_bytes(options, limits->block_bytes, target.path());
  if (!block_bytes) return std::unexpected(block_bytes.error());
  const auto bytes = target.size_bytes();
  if (!bytes) return refuse(options, bytes.error().code, bytes.error().message);
  const auto blocks = whole_blocks(options, *bytes, *block_bytes);
  if (!blocks) return std::unexpected(blocks.error());
  block::Geometry geometry;
  geometry.block_bytes = *block_bytes;
  geometry.blocks = *blocks;
  geometry.volatile_cache = true;
  geometry.read_only = wanted.read_only;
  geometry.rotational = limits->rotational;
  geometry.optimal_io_blocks = limits->optimal_io_bytes / *block_bytes;
  if (!wanted.read_only && limits->discard_granularity_bytes > 0)
    geometry.discard_granularity_blocks = static_cast<std::uint32_t>(
        std::max<std::uint64_t>(1, limits->discard_granularity_bytes / *block_bytes));
  return geometry;
}

Result<std::shared_ptr<block::Backend>> open_backend(const OpenOptions& options, reactor::FileIos& files,
                                                     const std::shared_ptr<Common>& common) {
  const auto wanted = read_options(options);
  if (!wanted) return std::unexpected(wanted.error());
  auto fd = open_device(options, *wanted, common->holders);
  if (!fd) return std::unexpected(fd.error());
  auto target = std::make_shared<DeviceTarget>(std::move(*fd), wanted->path);
  struct stat status{};
  if (::fstat(target->fd(), &status) != 0) return refuse(options, errno, wanted->path);
  if (auto checked = check_type(options, wanted->path, status.st_mode); !checked)
    return std::unexpected(checked.error());
  const auto geometry = look_at(options, *wanted, *target, status.st_rdev);
  if (!geometry) return std::unexpected(geometry.error());

  const auto path = choose_direct_path(options, *target, wanted->polled);
  if (!path) return std::unexpected(path.error());
  auto held = std::make_shared<Held>();
  held->common = common;
  held->note = common->holders.note({0, status.st_rdev}, options.name);
  held->backend = std::make_shared<FdBackend>(options, std::move(target), *geometry, *path, files);
  FdBackend& backend = *held->backend;
  // What fails here fails again in the next sweep, which reports it.
  held->watch = common->uevents.watch(status.st_rdev, [&backend] { (void)backend.refresh(); });
  return std::shared_ptr<block::Backend>(held, &backend);
}

}  // namespace

block::Plugin make_blockdev_plugin(reactor::FileIos& files) {
  return {.name = "iblock",
          .summary = "a block device",
          .keys = kKeys,
          .open = [&files, common = std::make_shared<Common>()](
                      const OpenOptions& options) { return open_backend(options, files, common); },
          .path_kind = block::PathKind::device,
          .path_key = "udev_path"};
}

}  // namespace weft::backends
