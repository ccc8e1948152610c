#include "daemon/local_device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "exports/file/file_export.h"
#include "exports/nbd/server.h"
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

class FileDevice final : public LocalDevice {
 public:
  static Result<std::unique_ptr<LocalDevice>> make(reactor::Reactors& reactors,
                                                   std::shared_ptr<block::Backend> backend,
                                                   const std::string& path) {
    auto file = file_export::FileExport::start(reactors, std::move(backend), path);
    if (!file) return std::unexpected(file.error());
    return std::unique_ptr<LocalDevice>(new FileDevice(std::move(*file)));
  }

  void end() override { file_->end(); }
  bool is_idle() const override { return file_->under_way() == 0; }
  std::uint32_t clients() const override { return file_->open_files(); }
  std::string path() const override { return file_->path(); }
  std::string address() const override { return file_->path(); }

 private:
  explicit FileDevice(std::unique_ptr<file_export::FileExport> file) : file_(std::move(file)) {}

  const std::unique_ptr<file_export::FileExport> file_;
};

}  // namespace

const std::vector<LocalDeviceKind>& local_device_kinds() {
  static const std::vector<LocalDeviceKind> kinds{{"nbd", "an NBD export on a Unix socket", &NbdDevice::make},
                                                  {"file", "a file, for losetup", &FileDevice::make}};
  return kinds;
}

const LocalDeviceKind* find_local_device_kind(std::string_view name) {
  const auto found = std::ranges::find(local_device_kinds(), name, &LocalDeviceKind::name);
  return found == local_device_kinds().end() ? nullptr : &*found;
}

}  // namespace weft::daemon
