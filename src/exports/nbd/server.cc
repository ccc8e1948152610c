#include "exports/nbd/server.h"

#include <chrono>
#include <thread>
#include <utility>

#include "base/call.h"
#include "base/run_on.h"
#include "exports/nbd/connection.h"

namespace weft::nbd {

namespace {

constexpr std::uint32_t kMostConnections = 64;

}  // namespace

Server::Server(net::Networks& networks, std::shared_ptr<block::Backend> backend)
    : shared_(new Shared{.loops = networks.loops(), .backend = std::move(backend)}),
      accepting_(networks.loops().acquire_least_loaded()) {
  for (Loop* loop : networks.loops().all())
    homes_.push_back(std::make_unique<Home>(*loop, networks.of(*loop), *shared_));
}

Result<std::unique_ptr<Server>> Server::start(net::Networks& networks,
                                              std::shared_ptr<block::Backend> backend, int fd) {
  std::unique_ptr<Server> self(new Server(networks, std::move(backend)));
  auto listener = networks.of(self->accepting_).listen_on(fd, *self);
  if (!listener) return std::unexpected(listener.error());
  self->listener_ = std::move(*listener);
  return self;
}

void Server::end() {
  if (listener_ != nullptr) run_on(accepting_, [this] { listener_.reset(); });
  for (const auto& home : homes_)
    run_on(home->loop, [its = home.get()] {
      for (auto at = its->connections.begin(); at != its->connections.end();) (*at++).close();
    });
}

Server::~Server() {
  constexpr std::chrono::milliseconds kPause{1};
  end();
  while (connections() != 0) std::this_thread::sleep_for(kPause);
  // The last of a connection's turn may still run.
  for (const auto& home : homes_) run_on(home->loop, [] {});
  shared_->loops.release(accepting_);
}

std::uint32_t Server::connections() const {
  return shared_->connections.load(std::memory_order_acquire);
}

void Server::on_accepted(std::unique_ptr<net::Accepted> accepted) {
  if (shared_->connections.fetch_add(1, std::memory_order_relaxed) >= kMostConnections) {
    shared_->connections.fetch_sub(1, std::memory_order_release);
    return;
  }
  Loop& loop = shared_->loops.acquire_least_loaded();
  Home& home = *homes_[loop.index()];
  post_call(loop, [&home, connection = std::move(accepted)]() mutable {
    Connection::start(home, std::move(connection));
  });
}

}  // namespace weft::nbd
