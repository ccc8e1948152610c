#include "raw_host/socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/result.h"
#include "raw_host/failure.h"

namespace weft::raw_host {

namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses resolve(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    throw Failure(fmt::format("'{}' is not a numeric address", address));
  return {found, &::freeaddrinfo};
}

}  // namespace

Socket::Socket(const std::string& address, std::uint16_t port, const SocketOptions& options)
    : timeout_(options.timeout) {
  const Addresses found = resolve(address, port);
  const Deadline deadline = std::chrono::steady_clock::now() + timeout_;
  fd_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) throw Failure(fmt::format("no socket: {}", errno_text(errno)));
  try {
    if (options.receive_buffer)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &*options.receive_buffer, sizeof *options.receive_buffer);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)
      throw Failure(fmt::format("connect to {} port {}: {}", address, port, errno_text(errno)));
    wait_or_throw(POLLOUT, deadline, "connect");
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) throw Failure(fmt::format("connect to {} port {}: {}", address, port, errno_text(error)));
  } catch (...) {
    close();
    throw;
  }
}

Socket Socket::adopt(int fd, Timeout timeout) {
  return {fd, timeout};
}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      timeout_(other.timeout_),
      early_(std::move(other.early_)),
      early_end_(other.early_end_) {}

Socket::~Socket() {
  close();
}

void Socket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Socket::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void Socket::shut_down_writing() {
  if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
}

short Socket::wait(short events, Deadline deadline) {
  if (fd_ < 0) throw Closed("this host closed the connection");
  for (;;) {
    const auto left = std::chrono::ceil<Timeout>(deadline - std::chrono::steady_clock::now());
    pollfd entry{.fd = fd_, .events = events, .revents = 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<Timeout::rep>(left.count(), 0)));
    if (ready > 0) return entry.revents;
    if (ready == 0) return 0;
    if (errno != EINTR) throw Failure(fmt::format("poll: {}", errno_text(errno)));
  }
}

short Socket::wait_or_throw(short events, Deadline deadline, const char* what) {
  const short ready = wait(events, deadline);
  if (ready == 0) throw TimedOut(fmt::format("{}: nothing within {} ms", what, timeout_.count()));
  return ready;
}

bool Socket::wait_readable(Timeout timeout) {
  if (!early_.empty() || early_end_) return true;
  return wait(POLLIN, std::chrono::steady_clock::now() + timeout) != 0;
}

void Socket::take_early() {
  std::byte some[4096];
  const ssize_t got = ::recv(fd_, some, sizeof some, MSG_DONTWAIT);
  if (got > 0) early_.insert(early_.end(), some, some + got);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) early_end_ = true;
}

void Socket::send(std::span<const std::byte> bytes) {
  const Deadline deadline = std::chrono::steady_clock::now() + timeout_;
  while (!bytes.empty()) {
    const short interest = early_end_ ? POLLOUT : POLLIN | POLLOUT;
    const short ready = wait_or_throw(interest, deadline, "send");
    if ((ready & POLLOUT) == 0 && (ready & POLLIN) != 0) {
      take_early();
      continue;
    }
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    else if (errno == EPIPE || errno == ECONNRESET)
      throw Closed(fmt::format("send: {}", errno_text(errno)));
    else if (errno != EAGAIN && errno != EINTR)
      throw Failure(fmt::format("send: {}", errno_text(errno)));
  }
}

bool Socket::receive(std::span<std::byte> into) {
  const Deadline deadline = std::chrono::steady_clock::now() + timeout_;
  std::size_t filled = std::min(early_.size(), into.size());
  std::copy_n(early_.begin(), filled, into.begin());
  early_.erase(early_.begin(), early_.begin() + static_cast<std::ptrdiff_t>(filled));
  while (filled < into.size()) {
    ssize_t got = 0;
    if (!early_end_) {
      wait_or_throw(POLLIN, deadline, "receive");
      got = ::recv(fd_, into.data() + filled, into.size() - filled, MSG_DONTWAIT);
    }
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
    } else if (got == 0 || errno == ECONNRESET || errno == EPIPE) {
      if (filled == 0) return false;
      throw Closed(fmt::format("the connection ended {} bytes into {}", filled, into.size()));
    } else if (errno != EAGAIN && errno != EINTR) {
      throw Failure(fmt::format("receive: {}", errno_text(errno)));
    }
  }
  return true;
}

}  // namespace weft::raw_host
