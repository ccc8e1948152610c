#include "transports/tcp/listener.h"

#include <fmt/format.h>

#include <utility>

#include "base/call.h"
#include "base/reached.h"
#include "base/run_on.h"

namespace weft::tcp {

namespace {

// Counts one more unless that would be more than `most`.
bool take_place(std::atomic<std::uint32_t>& count, std::uint32_t most) {
  if (count.fetch_add(1, std::memory_order_relaxed) < most) return true;
  count.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

TcpListener::TcpListener(const Homes& homes, Shared& shared, fabric::Acceptor& acceptor)
    : homes_(homes),
      shared_(shared),
      accepting_(shared.loops.acquire_least_loaded()),
      origin_(std::make_shared<Origin>(acceptor)) {}

Result<std::unique_ptr<fabric::Listener>> TcpListener::open(const net::Address& address, const Homes& homes,
                                                            Shared& shared, fabric::Acceptor& acceptor) {
  std::unique_ptr<TcpListener> self(new TcpListener(homes, shared, acceptor));
  auto listener = homes[self->accepting_.index()]->network.listen(address, *self);
  if (!listener) {
    WEFT_REACHED("tcp.cannot_listen");
    return std::unexpected(std::move(listener.error()));
  }
  self->listener_ = std::move(*listener);
  self->address_ = self->listener_->address();
  return self;
}

TcpListener::~TcpListener() {
  if (listener_ != nullptr) {
    run_on(accepting_, [this] { listener_.reset(); });
    origin_->closed.store(true, std::memory_order_release);
    for (const auto& home : homes_) {
      run_on(home->loop, [this, &home] {
        for (auto at = home->connections.begin(); at != home->connections.end();) {
          Connection& connection = *at++;
          connection.forget_acceptor(*origin_);
        }
      });
    }
  }
  shared_.loops.release(accepting_);
}

std::string TcpListener::trsvcid() const {
  return fmt::to_string(address_.port);
}

void TcpListener::on_accepted(std::unique_ptr<net::Accepted> accepted) {
  if (!take_place(shared_.connections, shared_.options.max_connections)) {
    WEFT_REACHED("tcp.too_many_connections");
    return;
  }
  if (!take_place(origin_->connections, shared_.options.max_connections_per_listener)) {
    WEFT_REACHED("tcp.too_many_of_listener");
    shared_.connections.fetch_sub(1, std::memory_order_release);
    return;
  }
  Loop& loop = shared_.loops.acquire_least_loaded();
  Home& home = *homes_[loop.index()];
  post_call(loop, [&home, origin = origin_, connection = std::move(accepted)]() mutable {
    Connection::start(home, std::move(origin), std::move(connection));
  });
}

}  // namespace weft::tcp
