#include <cerrno>

#include "reactor/core.h"
#include "reactor/ring.h"
#include "reactor/socket.h"

namespace weft::reactor {

namespace {

// One attempt; owned by itself until its handler was told.
class Connecting final : public Lasting {
 public:
  Connecting(Reactor& reactor, const net::Address& address, net::ConnectHandler& handler)
      : reactor_(reactor), handler_(handler), address_(to_system(address)) {
    reactor_.keep(*this);
    auto socket = make_socket(address);
    if (!socket) {
      error_ = socket.error().code;
      reactor_.post(fail_);
      return;
    }
    socket_ = std::move(*socket);
    io_uring_prep_connect(&reactor_.ring().next(&connected_), socket_.get(), address_.get(), address_.length);
  }

 private:
  void on_failed() { tell(nullptr, error_); }

  void on_connected(int result, std::uint32_t) {
    if (result < 0) return tell(nullptr, -result);
    auto connection = SocketConnection::wrap(std::move(socket_));
    if (!connection) return tell(nullptr, connection.error().code);
    tell(std::move(*connection), 0);
  }

  void tell(std::unique_ptr<net::Accepted> connection, int error) {
    net::ConnectHandler& handler = handler_;
    reactor_.let_go(*this);
    delete this;
    handler.on_connected(std::move(connection), error);
  }

  void on_stopped() override { delete this; }

  Reactor& reactor_;
  net::ConnectHandler& handler_;
  SystemAddress address_;
  Descriptor socket_;
  int error_ = 0;
  MemberTask<Connecting, &Connecting::on_failed> fail_{*this};
  MemberCompletion<Connecting, &Connecting::on_connected> connected_{*this};
};

}  // namespace

void Reactor::connect(const net::Address& address, net::ConnectHandler& handler) {
  new Connecting(*this, address, handler);  // owned by itself
}

}  // namespace weft::reactor
