// The raw limit of a loopback connection here: two threads that only move the bytes that NVMe/TCP commands
// move, in the same pattern, each answering all that one receive brought with one send.  Once by non-blocking
// sockets that are asked again and again, once by a bare io_uring; the faster is the limit.  Lines of "name
// value unit".
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kCapsule = 72;
constexpr std::size_t kHeader = 24;
constexpr std::size_t kMostBytes = std::size_t{4} * 1024 * 1024;
constexpr auto kTime = std::chrono::milliseconds(1000);

struct Shape {
  const char* name;
  std::size_t request;   // bytes to the target
  std::size_t response;  // bytes back
  unsigned depth;
};
constexpr std::size_t k4K = 4096;
constexpr std::size_t k128K = std::size_t{128} * 1024;
constexpr Shape kShapes[] = {
    {"read_4k_qd1", kCapsule, kHeader + k4K, 1},       {"read_4k_qd32", kCapsule, kHeader + k4K, 32},
    {"read_4k_qd128", kCapsule, kHeader + k4K, 128},   {"write_4k_qd1", kCapsule + k4K, kHeader, 1},
    {"write_4k_qd32", kCapsule + k4K, kHeader, 32},    {"write_4k_qd128", kCapsule + k4K, kHeader, 128},
    {"read_128k_qd32", kCapsule, kHeader + k128K, 32}, {"write_128k_qd32", kCapsule + k128K, kHeader, 32},
};

[[noreturn]] void give_up(const char* what) {
  fmt::print(stderr, "wire_limit: {}: errno {}\n", what, errno);
  std::exit(1);
}

// One end: receives as much as there is and sends, without waiting for more of either than it must.
class NonBlocking {
 public:
  explicit NonBlocking(int fd) : fd_(fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }
  // 0: the other side has ended, or `stop` is set.
  std::size_t receive(std::byte* into, std::size_t most, const std::atomic<bool>& stop) {
    while (!stop.load(std::memory_order_relaxed)) {
      const ssize_t got = ::recv(fd_, into, most, 0);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EAGAIN && errno != EINTR) return 0;
    }
    return 0;
  }
  bool send(const std::byte* from, std::size_t bytes, const std::atomic<bool>& stop) {
    while (bytes > 0 && !stop.load(std::memory_order_relaxed)) {
      const ssize_t sent = ::send(fd_, from, bytes, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (sent > 0) bytes -= static_cast<std::size_t>(sent);
    }
    return bytes == 0;
  }

 private:
  const int fd_;
};

class Ring {
 public:
  explicit Ring(int fd) : fd_(fd) {
    if (const int error =
            ::io_uring_queue_init(8, &ring_, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
        error < 0)
      errno = -error, give_up("io_uring_queue_init");
  }
  ~Ring() { ::io_uring_queue_exit(&ring_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  std::size_t receive(std::byte* into, std::size_t most, const std::atomic<bool>&) {
    ::io_uring_prep_recv(::io_uring_get_sqe(&ring_), fd_, into, most, 0);
    const int got = finish();
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  bool send(const std::byte* from, std::size_t bytes, const std::atomic<bool>&) {
    while (bytes > 0) {
      ::io_uring_prep_send(::io_uring_get_sqe(&ring_), fd_, from, bytes, MSG_NOSIGNAL);
      const int sent = finish();
      if (sent <= 0) return false;
      bytes -= static_cast<std::size_t>(sent);
    }
    return true;
  }

 private:
  int finish() {
    ::io_uring_submit_and_wait(&ring_, 1);
    io_uring_cqe* done = nullptr;
    if (::io_uring_wait_cqe(&ring_, &done) != 0) return 0;
    const int result = done->res;
    ::io_uring_cqe_seen(&ring_, done);
    return result;
  }
  io_uring ring_{};
  const int fd_;
};

struct Pair {
  int host = -1;
  int target = -1;
};
Pair connected() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, any, length) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, any, &length) != 0)
    give_up("listen");
  Pair pair;
  pair.host = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(pair.host, any, length) != 0) give_up("connect");
  pair.target = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ::close(listener);
  const int on = 1;
  for (const int fd : {pair.host, pair.target}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return pair;
}

// Receives in pieces of `in` bytes and sends one of `out` bytes for each that is whole.
template <class End>
std::uint64_t answer(End& end, std::size_t in, std::size_t out, std::vector<std::byte>& input,
                     const std::vector<std::byte>& output, const std::atomic<bool>& stop) {
  std::uint64_t whole = 0;
  std::size_t had = 0;
  while (const std::size_t got = end.receive(input.data(), input.size(), stop)) {
    had += got;
    std::size_t pieces = had / in;
    had %= in;
    whole += pieces;
    while (pieces > 0) {
      const std::size_t now = std::min(pieces, std::max<std::size_t>(output.size() / out, 1));
      if (!end.send(output.data(), now * out, stop)) return whole;
      pieces -= now;
    }
  }
  return whole;
}

template <class End>
double commands_per_second(const Shape& shape) {
  const Pair pair = connected();
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> count = 0;
  const auto run = [&](int fd, std::size_t in, std::size_t out, unsigned first) {
    End end(fd);
    std::vector<std::byte> input(kMostBytes);
    const std::vector<std::byte> output(kMostBytes);
    for (unsigned i = 0; i < first; ++i)
      if (!end.send(output.data(), out, stop)) return;
    const std::uint64_t whole = answer(end, in, out, input, output, stop);
    if (first != 0) count = whole;
  };
  const auto began = Clock::now();
  std::thread target([&] { run(pair.target, shape.request, shape.response, 0); });
  std::thread host([&] { run(pair.host, shape.response, shape.request, shape.depth); });
  std::this_thread::sleep_for(kTime);
  stop = true;
  for (const int fd : {pair.host, pair.target}) ::shutdown(fd, SHUT_RDWR);
  host.join();
  target.join();
  const std::chrono::duration<double> took = Clock::now() - began;
  for (const int fd : {pair.host, pair.target}) ::close(fd);
  return static_cast<double>(count.load()) / took.count();
}

}  // namespace

int main() {
  for (const Shape& shape : kShapes) {
    const double asking = commands_per_second<NonBlocking>(shape);
    const double ring = commands_per_second<Ring>(shape);
    fmt::print("wire_limit.nonblocking.{} {:.0f} iops\n", shape.name, asking);
    fmt::print("wire_limit.io_uring.{} {:.0f} iops\n", shape.name, ring);
    fmt::print("wire_limit.{} {:.0f} iops\n", shape.name, std::max(asking, ring));
  }
  return 0;
}
