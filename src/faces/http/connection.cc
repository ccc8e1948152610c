#include "faces/http/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weft::faces {

Connection::Connection(int fd, const ConnectionLimits& limits)
    : fd_(fd), limits_(limits), deadline_(Clock::now() + limits.request), left_bytes_(limits.request_bytes) {}

bool Connection::wait(short events) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    if (left <= 0) return false;
    pollfd wanted{.fd = fd_, .events = events};
    const int ready = ::poll(&wanted, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool Connection::is_readable() const {
  return begin_ < end_ || wait(POLLIN);
}

bool Connection::is_writable() const {
  return wait(POLLOUT);
}

ssize_t Connection::fill() {
  const std::size_t most = std::min(left_bytes_, buffer_.size());
  if (most == 0) return -1;
  while (true) {
    const ssize_t got = ::recv(fd_, buffer_.data(), most, 0);
    if (got >= 0) {
      begin_ = 0;
      end_ = static_cast<std::size_t>(got);
      left_bytes_ -= end_;
      return got;
    }
    if (errno != EINTR && errno != EAGAIN) return -1;
    if (!wait(POLLIN)) return -1;
  }
}

ssize_t Connection::read(char* into, std::size_t size) {
  if (begin_ == end_)
    if (const ssize_t got = fill(); got <= 0) return got;
  const std::size_t count = std::min(size, end_ - begin_);
  std::memcpy(into, buffer_.data() + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* from, std::size_t size) {
  if (!answering_) deadline_ = Clock::now() + limits_.answer;
  answering_ = true;
  while (true) {
    const ssize_t sent = ::send(fd_, from, size, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EINTR && errno != EAGAIN) return -1;
    if (!wait(POLLOUT)) return -1;
  }
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  get_remote_ip_and_port(ip, port);
}

}  // namespace weft::faces
