#include "reactor/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weft::reactor {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

SystemAddress to_system(const net::Address& address) {
  SystemAddress system;
  if (address.family == net::Address::Family::ipv4) {
    auto& in = reinterpret_cast<sockaddr_in&>(system.storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    std::memcpy(&in.sin_addr, address.bytes.data(), sizeof in.sin_addr);
    system.length = sizeof in;
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(system.storage);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    in.sin6_scope_id = address.scope;
    std::memcpy(&in.sin6_addr, address.bytes.data(), sizeof in.sin6_addr);
    system.length = sizeof in;
  }
  return system;
}

net::Address from_system(const sockaddr_storage& storage) {
  net::Address address;
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    address.port = ntohs(in.sin_port);
    std::memcpy(address.bytes.data(), &in.sin_addr, sizeof in.sin_addr);
  } else if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    address.family = net::Address::Family::ipv6;
    address.port = ntohs(in.sin6_port);
    address.scope = in.sin6_scope_id;
    std::memcpy(address.bytes.data(), &in.sin6_addr, sizeof in.sin6_addr);
  }
  return address;
}

Result<Descriptor> make_socket(const net::Address& address) {
  const int family = address.family == net::Address::Family::ipv4 ? AF_INET : AF_INET6;
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
  if (socket.get() < 0) return fail_errno(errno, "a socket for " + address.text());
  return socket;
}

Result<std::unique_ptr<SocketConnection>> SocketConnection::wrap(Descriptor socket) {
  sockaddr_storage local{};
  sockaddr_storage peer{};
  socklen_t length = sizeof local;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&local), &length) != 0)
    return fail_errno(errno, "a connection's own address");
  length = sizeof peer;
  if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&peer), &length) != 0)
    return fail_errno(errno, "a connection's peer address");
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // latency only: works without
  return std::unique_ptr<SocketConnection>(
      new SocketConnection(std::move(socket), from_system(local), from_system(peer)));
}

}  // namespace weft::reactor
