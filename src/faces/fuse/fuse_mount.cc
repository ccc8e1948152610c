#include "faces/fuse/fuse_mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <thread>
#include <utility>

#include "faces/fuse/face.h"
#include "faces/fuse/mount_point.h"

namespace weft::faces {

struct FuseMount::State {
  State(config::Tree& tree, std::string its_directory) : directory(std::move(its_directory)), face(tree) {}
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<> start();
  Result<> open_session();
  void serve() const;

  const std::string directory;
  Face face;
  fuse_session* session = nullptr;
  bool mounted = false;
  std::atomic<bool> stops = false;
  int stop = -1;  // an eventfd: readable when the thread is to end
  std::thread thread;
};

FuseMount::State::~State() {
  face.requests().close();
  if (thread.joinable()) {
    stops = true;
    ::eventfd_write(stop, 1);
    thread.join();
  }
  // Closing the device ends what the thread has not read any more.
  if (mounted) fuse_session_unmount(session);
  if (session != nullptr) fuse_session_destroy(session);
  if (stop >= 0) ::close(stop);
}

Result<> FuseMount::State::start() {
  if (Result<> opened = open_session(); !opened) return opened;
  if (fuse_session_mount(session, directory.c_str()) != 0)
    return fail(
        EPERM,
        fmt::format("{}: cannot mount the tree there (libfuse's reason is on stderr): run as root, or as "
                    "a user who owns the directory and has fusermount3",
                    directory));
  mounted = true;
  // A request may be taken back between poll and read, which must not wait then.
  const int device = fuse_session_fd(session);
  stop = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop < 0 || ::fcntl(device, F_SETFL, ::fcntl(device, F_GETFL) | O_NONBLOCK) != 0)
    return fail_errno(errno, fmt::format("{}: cannot serve the tree there", directory));
  try {
    thread = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "weft-fuse");
      serve();
    });
  } catch (const std::system_error& error) {
    return fail_errno(error.code().value(), fmt::format("{}: no thread to serve the tree", directory));
  }
  return {};
}

Result<> FuseMount::State::open_session() {
  // The face holds the mode bits itself: they never change, and the kernel would ask for them at every step
  // of every path.  Only root's mounts may let others in.
  std::string words[] = {"weft", "-o", "fsname=weft,subtype=weft"};
  if (::geteuid() == 0) words[2] += ",allow_other";
  char* pointers[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(3, pointers);
  const fuse_lowlevel_ops operations = Face::operations();
  session = fuse_session_new(&arguments, &operations, sizeof operations, &face);
  fuse_opt_free_args(&arguments);
  if (session == nullptr)
    return fail(EIO, fmt::format("{}: libfuse makes no session (its reason is on stderr)", directory));
  return {};
}

// libfuse's own loop could only be ended by a request or a signal.
void FuseMount::State::serve() const {
  fuse_buf buffer{};
  std::array<pollfd, 2> wanted{pollfd{.fd = fuse_session_fd(session), .events = POLLIN},
                               pollfd{.fd = stop, .events = POLLIN}};
  while (fuse_session_exited(session) == 0 && !stops) {
    const int got = fuse_session_receive_buf(session, &buffer);
    if (got == -EAGAIN && ::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) break;
    if (got == -EINTR || got == -EAGAIN) continue;
    if (got <= 0) break;  // somebody else unmounted it
    fuse_session_process_buf(session, &buffer);
  }
  std::free(buffer.mem);
}

Result<std::unique_ptr<FuseMount>> FuseMount::mount(config::Tree& tree, const MountOptions& options) {
  if (const Result<> available = check_fuse_available(); !available)
    return std::unexpected(available.error());
  Result<std::string> directory = prepare_mount_point(options.directory);
  if (!directory) return std::unexpected(directory.error());
  auto state = std::make_unique<State>(tree, *std::move(directory));
  if (const Result<> started = state->start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<FuseMount>(new FuseMount(std::move(state)));
}

FuseMount::FuseMount(std::unique_ptr<State> state) : state_(std::move(state)) {}
FuseMount::~FuseMount() = default;

const std::string& FuseMount::directory() const {
  return state_->directory;
}

std::size_t FuseMount::known_objects() const {
  return state_->face.inodes().size();
}

}  // namespace weft::faces
