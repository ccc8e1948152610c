#include "daemon/local_device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "exports/file/file_export.h"
#include "exports/nbd/server.h"
#include "exports/ublk/device.h"
#include "faces/http/socket_file.h"
#include "fuse/mount_point.h"

namespace weft::daemon {

namespace {

// A daemon that was killed may have left a mount there.
Result<> clear(const std::string& path) {
  if (struct stat status{}; ::stat(path.c_str(), &status) != 0 ? errno == ENOENT : !S_ISDIR(status.st_mode))
    return {};
  if (const auto prepared = fuse::prepare_mount_point(path); !prepared)
    return std::unexpected(prepared.error());
  return ::rmdir(path.c_str()) == 0 ? Result<>() : fail_errno(errno, path);
}

class NbdDevice final : public LocalDevice {
 public:
  static Result<std::unique_ptr<LocalDevice>> make(reactor::Reactors& reactors,
                                                   std::shared_ptr<block::Backend> backend,
                                                   const std::string& path) {
    if (const auto cleared = clear(path); !cleared) return std::unexpected(cleared.error());
    auto socket = faces::SocketFile::listen({.path = path, .group = {}, .is_own_directory = true});
    if (!socket) return std::unexpected(socket.error());
    const int fd = ::fcntl((*socket)->fd(), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return fail_errno(errno, path);
    auto server = nbd::Server::start(reactors, std::move(backend), fd);
    if (!server) return std::unexpected(server.error());
    return std::unique_ptr<LocalDevice>(new NbdDevice(path, std::move(*socket), std::move(*server)));
  }

  void end() override {
    server_->end();
    socket_.reset();
  }
  bool is_idle() const override { return server_->connections() == 0; }
  std::uint32_t clients() const override { return server_->connections(); }
  std::string path() const override { return path_; }
  std::string address() const override { return "nbd+unix:///?socket=" + path_; }

 private:
  NbdDevice(std::string path, std::unique_ptr<faces::SocketFile> socket, std::unique_ptr<nbd::Server> server)
      : path_(std::move(path)), socket_(std::move(socket)), server_(std::move(server)) {}

  const std::string path_;
  std::unique_ptr<faces::SocketFile> socket_;
  const std::unique_ptr<nbd::Server> server_;
};

// Programs find it by its path.
template <class Export>
class PathDevice final : public LocalDevice {
 public:
  static Result<std::unique_ptr<LocalDevice>> wrap(Result<std::unique_ptr<Export>> made) {
    if (!made) return std::unexpected(made.error());
    return std::unique_ptr<LocalDevice>(new PathDevice(std::move(*made)));
  }

  void end() override { export_->end(); }
  bool is_idle() const override { return export_->is_idle(); }
  std::uint32_t clients() const override { return export_->clients(); }
  std::string path() const override { return export_->path(); }
  std::string address() const override { return export_->path(); }

 private:
  explicit PathDevice(std::unique_ptr<Export> made) : export_(std::move(made)) {}

  const std::unique_ptr<Export> export_;
};

Result<std::unique_ptr<LocalDevice>> make_file(reactor::Reactors& reactors,
                                               std::shared_ptr<block::Backend> backend,
                                               const std::string& path) {
  using file_export::FileExport;
  return PathDevice<FileExport>::wrap(FileExport::start(reactors, std::move(backend), path));
}

Result<std::unique_ptr<LocalDevice>> make_ublk(reactor::Reactors& reactors,
                                               std::shared_ptr<block::Backend> backend,
                                               const std::string& /*path*/) {
  return PathDevice<ublk::Device>::wrap(ublk::Device::start(reactors, std::move(backend)));
}

}  // namespace

const std::vector<LocalDeviceKind>& local_device_kinds() {
  static const std::vector<LocalDeviceKind> kinds{{"nbd", "an NBD export on a Unix socket", &NbdDevice::make},
                                                  {"file", "a file, for losetup", &make_file},
                                                  {"ublk", "a block device, /dev/ublkbN", &make_ublk}};
  return kinds;
}

const LocalDeviceKind* find_local_device_kind(std::string_view name) {
  const auto found = std::ranges::find(local_device_kinds(), name, &LocalDeviceKind::name);
  return found == local_device_kinds().end() ? nullptr : &*found;
}

}  // namespace weft::daemon
