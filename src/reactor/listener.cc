#include "reactor/listener.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cerrno>

#include "base/check.h"

namespace weft::reactor {

namespace {

constexpr int kBacklog = 4096;
constexpr Duration kPause = std::chrono::milliseconds(100);  // when the system has no room for a connection

bool concerns_one_connection(int error) {
  return error == ECONNABORTED || error == EPROTO || error == EINTR || error == EAGAIN || error == ECANCELED;
}

std::unexpected<Error> refuse(int error, const net::Address& address) {
  const std::string text = address.text();
  switch (error) {
    case EADDRINUSE:
      return fail(error,
                  fmt::format("listen {}: another socket holds this address; an address has one listener: "
                              "ss -ltnp 'sport = :{}' shows the process; stop it or take another port",
                              text, address.port));
    case EADDRNOTAVAIL:
      return fail(error,
                  fmt::format("listen {}: no interface of this machine has the address; ip address shows "
                              "those it has: add it, or take one of them",
                              text));
    case EACCES:
      return fail(error, fmt::format("listen {}: ports below net.ipv4.ip_unprivileged_port_start are for "
                                     "CAP_NET_BIND_SERVICE: take a higher port or grant the capability",
                                     text));
    default:
      return fail_errno(error, "listen " + text);
  }
}

Result<Descriptor> bind_and_listen(const net::Address& address) {
  auto socket = make_socket(address);
  if (!socket) return refuse(socket.error().code, address);
  const int on = 1;
  const int fd = socket->get();
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family == net::Address::Family::ipv6 &&
      ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
    return refuse(errno, address);
  const SystemAddress system = to_system(address);
  if (::bind(fd, system.get(), system.length) != 0) return refuse(errno, address);
  if (::listen(fd, kBacklog) != 0) return refuse(errno, address);
  return socket;
}

}  // namespace

Result<std::unique_ptr<net::Listener>> Reactor::listen(const net::Address& address,
                                                       net::AcceptHandler& handler) {
  auto socket = bind_and_listen(address);
  if (!socket) return std::unexpected(socket.error());
  return listen_on(socket->release(), handler);
}

Result<std::unique_ptr<net::Listener>> Reactor::listen_on(int fd, net::AcceptHandler& handler) {
  Descriptor socket(fd);
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0)
    return fail_errno(errno, "a listener's address");
  auto acceptor = std::make_shared<Acceptor>(*this, std::move(socket), from_system(bound), handler);
  acceptor->start();
  return std::make_unique<SocketListener>(std::move(acceptor));
}

Acceptor::Acceptor(Reactor& reactor, Descriptor socket, const net::Address& address,
                   net::AcceptHandler& handler)
    : reactor_(reactor), socket_(std::move(socket)), address_(address), handler_(&handler) {}

void Acceptor::start() {
  self_ = shared_from_this();
  reactor_.post(begin_);
}

void Acceptor::begin() {
  if (handler_ == nullptr) {
    self_.reset();
    return;
  }
  reactor_.keep(*this);
  accept();
}

void Acceptor::accept() {
  accepting_ = true;
  io_uring_prep_multishot_accept(&reactor_.ring().next(&accept_), socket_.get(), nullptr, nullptr,
                                 SOCK_CLOEXEC);
}

void Acceptor::on_accept(int result, std::uint32_t flags) {
  Descriptor socket(result);
  const bool more = (flags & IORING_CQE_F_MORE) != 0;
  if (!more) accepting_ = false;
  if (handler_ == nullptr) {
    if (!more) let_go();
    return;
  }
  if (!more) {
    if (result >= 0 || concerns_one_connection(-result))
      accept();
    else
      reactor_.arm(again_, kPause);
  }
  if (result < 0) return;
  auto connection = SocketConnection::wrap(std::move(socket));
  if (connection) handler_->on_accepted(std::move(*connection));  // or else it is gone already
}

void Acceptor::end() {
  WEFT_CHECK(reactor_.is_here() || !reactor_.is_running(), "a listener ends on its loop");
  handler_ = nullptr;
  if (!is_linked()) return socket_.reset();  // not begun: begin() lets go; or stopped
  reactor_.cancel(again_);
  if (!accepting_) return let_go();
  ::shutdown(socket_.get(), SHUT_RDWR);  // the address is free at once
  reactor_.ring().cancel(accept_);
}

void Acceptor::let_go() {
  reactor_.let_go(*this);
  socket_.reset();
  self_.reset();  // the last: this may be gone now
}

void Acceptor::on_stopped() {
  reactor_.cancel(again_);
  socket_.reset();
  self_.reset();
}

}  // namespace weft::reactor
