#include "fuse/mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/control_thread.h"
#include "fuse/mount_point.h"

namespace weft::fuse {

Result<std::unique_ptr<Mount>> Mount::start(const MountOptions& options, const fuse_lowlevel_ops& operations,
                                            void* user) {
  if (const Result<> available = check_fuse_available(); !available)
    return std::unexpected(available.error());
  Result<std::string> directory = prepare_mount_point(options.directory);
  if (!directory) return std::unexpected(directory.error());
  std::unique_ptr<Mount> self(new Mount(*std::move(directory)));
  if (const Result<> opened = self->open(options, operations, user); !opened)
    return std::unexpected(opened.error());
  return self;
}

Mount::~Mount() {
  stop();
  // Closing the device ends what the thread has not read any more.
  if (mounted_) fuse_session_unmount(session_);
  if (session_ != nullptr) fuse_session_destroy(session_);
  if (stop_ >= 0) ::close(stop_);
}

void Mount::stop() {
  if (!thread_.joinable()) return;
  stops_ = true;
  ::eventfd_write(stop_, 1);
  thread_.join();
}

Result<> Mount::open(const MountOptions& options, const fuse_lowlevel_ops& operations, void* user) {
  // The operations hold the mode bits themselves: the kernel would ask for them at every step of every path.
  // Only root's mounts may let others in.
  std::string words[] = {"weft", "-o", "fsname=weft,subtype=weft"};
  if (::geteuid() == 0) words[2] += ",allow_other";
  char* pointers[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(3, pointers);
  session_ = fuse_session_new(&arguments, &operations, sizeof operations, user);
  fuse_opt_free_args(&arguments);
  if (session_ == nullptr)
    return fail(EIO, fmt::format("{}: libfuse makes no session (its reason is on stderr)", directory_));
  if (fuse_session_mount(session_, directory_.c_str()) != 0)
    return fail(EPERM,
                fmt::format("{}: cannot mount there (libfuse's reason is on stderr): run as root, or as a "
                            "user who owns the directory and has fusermount3",
                            directory_));
  mounted_ = true;
  // A request may be taken back between poll and read, which must not wait then.
  const int device = fuse_session_fd(session_);
  stop_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_ < 0 || ::fcntl(device, F_SETFL, ::fcntl(device, F_GETFL) | O_NONBLOCK) != 0)
    return fail_errno(errno, fmt::format("{}: cannot serve what is mounted there", directory_));
  try {
    thread_ = std::thread([this, name = options.thread, carries_io = options.carries_io] {
      if (carries_io)
        ::pthread_setname_np(::pthread_self(), name);
      else
        become_control_thread(name);
      serve();
    });
  } catch (const std::system_error& error) {
    return fail_errno(error.code().value(),
                      fmt::format("{}: no thread to serve what is mounted there", directory_));
  }
  return {};
}

// libfuse's own loop could only be ended by a request or a signal.
void Mount::serve() const {
  fuse_buf buffer{};
  std::array<pollfd, 2> wanted{pollfd{.fd = fuse_session_fd(session_), .events = POLLIN},
                               pollfd{.fd = stop_, .events = POLLIN}};
  while (fuse_session_exited(session_) == 0 && !stops_) {
    const int got = fuse_session_receive_buf(session_, &buffer);
    if (got == -EAGAIN && ::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) break;
    if (got == -EINTR || got == -EAGAIN) continue;
    if (got <= 0) break;  // somebody else unmounted it
    fuse_session_process_buf(session_, &buffer);
  }
  std::free(buffer.mem);
}

}  // namespace weft::fuse
