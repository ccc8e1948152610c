// TCP sockets: addresses in the system's form, connections that belong to no loop yet.
#pragma once

#include <sys/socket.h>

#include <memory>

#include "base/result.h"
#include "net/stream.h"

namespace weft::reactor {

// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset();

 private:
  int fd_;
};

struct SystemAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SystemAddress to_system(const net::Address& address);
net::Address from_system(const sockaddr_storage& storage);  // nothing of a socket of another family

// A TCP socket (blocking: the ring waits, not the caller) of the address's family, closed on exec.
Result<Descriptor> make_socket(const net::Address& address);

class SocketConnection final : public net::Accepted {
 public:
  // A connected socket.  ENOTCONN when the peer is gone already.
  static Result<std::unique_ptr<SocketConnection>> wrap(Descriptor socket);

  const net::Address& local() const override { return local_; }
  const net::Address& peer() const override { return peer_; }
  Descriptor take_socket() { return std::move(socket_); }

 private:
  SocketConnection(Descriptor socket, const net::Address& local, const net::Address& peer)
      : socket_(std::move(socket)), local_(local), peer_(peer) {}
  Descriptor socket_;
  net::Address local_;
  net::Address peer_;
};

}  // namespace weft::reactor
