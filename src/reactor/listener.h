// Accepting connections on a reactor.
#pragma once

#include <memory>

#include "net/stream.h"
#include "reactor/core.h"
#include "reactor/ring.h"
#include "reactor/socket.h"

namespace weft::reactor {

// Accepts until it is told to end; outlives its Listener until the kernel has let go of it.
class Acceptor final : public Lasting, public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(Reactor& reactor, Descriptor socket, const net::Address& address, net::AcceptHandler& handler);

  void start();  // any thread, once
  void end();    // here, or after the loop stopped: no call of the handler afterwards
  const net::Address& address() const { return address_; }

 private:
  void begin();
  void accept();
  void on_accept(int result, std::uint32_t flags);
  void on_stopped() override;
  void let_go();

  Reactor& reactor_;
  Descriptor socket_;
  net::Address address_;
  net::AcceptHandler* handler_;     // null when ended
  std::shared_ptr<Acceptor> self_;  // while the loop refers to it
  bool accepting_ = false;
  MemberTask<Acceptor, &Acceptor::begin> begin_{*this};
  MemberTimer<Acceptor, &Acceptor::accept> again_{*this};
  MemberCompletion<Acceptor, &Acceptor::on_accept> accept_{*this};
};

class SocketListener final : public net::Listener {
 public:
  explicit SocketListener(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}
  ~SocketListener() override { acceptor_->end(); }
  const net::Address& address() const override { return acceptor_->address(); }

 private:
  std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace weft::reactor
