#include "faces/http/callers.h"
#include "base/control_thread.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace weft::faces {

namespace {

constexpr std::size_t kCallerPlaces = 16;
constexpr std::chrono::milliseconds kCallerPatience{10};  // then a caller's place is another's
constexpr std::size_t kMostConnections = 1024;            // others wait in the kernel
constexpr int kPauseTimeMs = 10;                          // when there is no descriptor, or none may be had

}  // namespace

Callers::Callers(std::function<void(int)> serve)
    : serve_(std::move(serve)), crew_(kCallerPlaces, kCallerPatience) {}

Callers::~Callers() {
  stop();
  if (stop_ >= 0) ::close(stop_);
}

Result<> Callers::start(int listener) {
  stop_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_ < 0) return fail_errno(errno, "socket for commands");
  try {
    thread_ = std::thread([this, listener] {
      become_control_thread("weft-http");
      accept(listener);
    });
  } catch (const std::system_error& error) {
    return fail_errno(error.code().value(), "no thread for the socket for commands");
  }
  return {};
}

void Callers::accept(int listener) {
  while (wait_for_caller(listener)) {
    if (take_one(listener)) continue;
    pollfd stop{.fd = stop_, .events = POLLIN};
    ::poll(&stop, 1, kPauseTimeMs);
  }
}

bool Callers::wait_for_caller(int listener) const {
  std::array<pollfd, 2> wanted{pollfd{.fd = listener, .events = POLLIN},
                               pollfd{.fd = stop_, .events = POLLIN}};
  (void)::poll(wanted.data(), wanted.size(), -1);
  return wanted[1].revents == 0;
}

bool Callers::take_one(int listener) {
  {
    const std::scoped_lock lock(mutex_);
    if (open_.size() >= kMostConnections) return false;
  }
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
  {
    const std::scoped_lock lock(mutex_);
    open_.insert(fd);
  }
  crew_.run([this, fd] { serve_one(fd); });
  return true;
}

void Callers::serve_one(int fd) {
  serve_(fd);
  // In this order: the number may be another connection's as soon as it is closed.
  const std::scoped_lock lock(mutex_);
  open_.erase(fd);
  ::close(fd);
}

void Callers::stop() {
  if (!thread_.joinable()) return;
  ::eventfd_write(stop_, 1);
  thread_.join();
  {
    const std::scoped_lock lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  while (!crew_.wait_idle(std::chrono::seconds(1))) {
  }
}

}  // namespace weft::faces
