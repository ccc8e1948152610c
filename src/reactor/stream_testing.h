// For the tests of streams: both ends of a TCP connection, one of them a plain blocking socket.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/stream.h"
#include "reactor/testing.h"

namespace weft::reactor::testing {

inline std::string pattern(std::size_t bytes, std::uint64_t seed = 1) {
  std::string text(bytes, 0);
  for (char& c : text) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(seed >> 56);
  }
  return text;
}

inline net::Address loopback(std::uint16_t port = 0) {
  return net::Address::parse("127.0.0.1", port).value();
}

// One end on a loop.  Counters are changed through the watch; handlers may be replaced on the loop.
class End : public net::StreamHandler {
 public:
  End(Loop& loop, Watch& watch) : loop_(loop), watch_(watch) {}
  virtual ~End() = default;

  void on_received(net::Chunk chunk) override {
    if (received) return received(std::move(chunk));
    watch_.change(
        [&] { text.append(reinterpret_cast<const char*>(chunk.bytes().data()), chunk.bytes().size()); });
  }
  void on_received_into() override {
    if (received_into) received_into();
    watch_.change([&] { ++intos; });
  }
  void on_ended(int error) override {
    watch_.change([&] { ended.push_back(error); });
    if (close_when_ended) stream->close(net::Stream::CloseMode::abort);
  }
  void on_closed() override {
    stream.reset();
    watch_.change([&] { closed = true; });
  }

  // From the test's thread.
  template <class Work>
  auto here(Work work) {
    return on_loop(loop_, work);
  }
  bool wait(const std::function<bool()>& condition) { return watch_.wait(condition); }
  void close(net::Stream::CloseMode mode = net::Stream::CloseMode::abort) {
    here([&] { stream->close(mode); });
  }
  void close_and_wait(net::Stream::CloseMode mode = net::Stream::CloseMode::abort) {
    close(mode);
    EXPECT_TRUE(wait([this] { return closed; }));
  }
  Loop& loop() { return loop_; }
  Watch& watch() { return watch_; }

  std::unique_ptr<net::Stream> stream;
  std::function<void(net::Chunk)> received;
  std::function<void()> received_into;
  std::string text;
  int intos = 0;
  std::vector<int> ended;
  bool close_when_ended = false;
  bool closed = false;

 private:
  Loop& loop_;
  Watch& watch_;
};

struct TestSend : net::SendOp {
  explicit TestSend(std::string bytes, std::function<void(int)> when_done = nullptr)
      : text(std::move(bytes)), after(std::move(when_done)) {
    piece = {text.data(), text.size()};
    pieces = {&piece, 1};
    done = [](net::SendOp& op, int error) noexcept {
      auto& self = static_cast<TestSend&>(op);
      self.results.push_back(error);
      if (self.after) self.after(error);
    };
  }
  std::string text;
  iovec piece{};
  std::vector<int> results;  // of done
  std::function<void(int)> after;
};

// A blocking client socket.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(); }

  static int connect(const net::Address& address, int buffer_bytes = 0) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (buffer_bytes > 0) {
      ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
      ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    }
    const timeval patience{60, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    std::memcpy(&to.sin_addr, address.bytes.data(), sizeof to.sin_addr);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
    ::close(fd);
    return -1;
  }

  bool write(const std::string& text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_WAITALL) ==
           static_cast<ssize_t>(text.size());
  }
  // Up to `bytes`, less at the end of the stream.
  std::string read(std::size_t bytes) {
    std::string text(bytes, 0);
    std::size_t got = 0;
    while (got < bytes) {
      const ssize_t count = ::recv(fd_, text.data() + got, bytes - got, 0);
      if (count <= 0) break;
      got += static_cast<std::size_t>(count);
    }
    text.resize(got);
    return text;
  }
  // What the next read meets: 0 for the end, else an errno; -1 for bytes.
  int end() {
    char byte = 0;
    const ssize_t count = ::recv(fd_, &byte, 1, 0);
    return count == 0 ? 0 : count > 0 ? -1 : errno;
  }
  void shut_write() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Accepts into a list.
class Accepts final : public net::AcceptHandler {
 public:
  explicit Accepts(Watch& watch) : watch_(watch) {}
  void on_accepted(std::unique_ptr<net::Accepted> connection) override {
    watch_.change([&] { connections.push_back(std::move(connection)); });
  }
  std::unique_ptr<net::Accepted> next() {
    if (!watch_.wait([this] { return !connections.empty(); })) return nullptr;
    std::unique_ptr<net::Accepted> connection;
    watch_.change([&] {
      connection = std::move(connections.front());
      connections.erase(connections.begin());
    });
    return connection;
  }
  std::vector<std::unique_ptr<net::Accepted>> connections;

 private:
  Watch& watch_;
};

// A server on a loop of its own, and clients that connect to it.
class StreamTest : public ::testing::Test {
 protected:
  explicit StreamTest(unsigned loops = 1) : reactors_(start_reactors(loops)) {
    auto listener = reactors_->of(loop()).listen(loopback(), accepts_);
    EXPECT_TRUE(listener);
    listener_ = std::move(*listener);
  }
  ~StreamTest() override {
    on_loop(loop(), [this] { listener_.reset(); });
  }

  Loop& loop(unsigned index = 0) { return *reactors_->all()[index]; }

  struct Connection {
    std::unique_ptr<Peer> peer;
    std::unique_ptr<End> end;
  };
  Connection connect(unsigned on = 0, int buffer_bytes = 0) {
    Connection connection;
    connection.peer = std::make_unique<Peer>(Peer::connect(listener_->address(), buffer_bytes));
    connection.end = std::make_unique<End>(loop(on), watch_);
    auto accepted = accepts_.next();
    on_loop(loop(on), [&] {
      connection.end->stream = reactors_->of(loop(on)).adopt(std::move(accepted), *connection.end);
    });
    return connection;
  }

  Watch watch_;
  Accepts accepts_{watch_};
  std::unique_ptr<Reactors> reactors_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace weft::reactor::testing
