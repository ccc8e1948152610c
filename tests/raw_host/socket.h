// A TCP connection to the target, with time-outs; for one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

namespace weft::raw_host {

using Timeout = std::chrono::milliseconds;
inline constexpr Timeout kTimeout{20'000};  // for what should come at once, on a loaded machine

struct SocketOptions {
  Timeout timeout = kTimeout;         // of connect and of each send and receive
  std::optional<int> receive_buffer;  // SO_RCVBUF in bytes: a host that reads slowly
};

class Socket {
 public:
  // A numeric address.  Throws Failure when it cannot be reached, TimedOut.
  Socket(const std::string& address, std::uint16_t port, const SocketOptions& options = {});
  // A connected one.
  static Socket adopt(int fd, Timeout timeout = kTimeout);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  // All of it.  While the peer takes nothing, what it sends is taken and kept for receive(): two sides that
  // both wait to send would wait for ever.  Throws Closed or TimedOut.
  void send(std::span<const std::byte> bytes);
  // Fills `into`.  False when the connection ended before its first byte; Closed when it ended inside.
  bool receive(std::span<std::byte> into);
  // Is something there, or the end, within this time?
  bool wait_readable(Timeout timeout);

  void set_timeout(Timeout timeout) { timeout_ = timeout; }
  void shut_down_writing();  // FIN; what the peer sends still comes
  void close();              // as a process does that ends
  void reset();              // RST
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  Socket(int fd, Timeout timeout) : fd_(fd), timeout_(timeout) {}
  using Deadline = std::chrono::steady_clock::time_point;
  short wait(short events, Deadline deadline);  // what is ready; 0 after the deadline
  short wait_or_throw(short events, Deadline deadline, const char* what);
  void take_early();

  int fd_ = -1;
  Timeout timeout_;
  std::deque<std::byte> early_;  // came during send()
  bool early_end_ = false;       // and after it the end
};

}  // namespace weft::raw_host
