#include "sim/network.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/call.h"
#include "base/check.h"
#include "sim/connection.h"

namespace weft::sim {

namespace {

constexpr Duration kConnectTime = std::chrono::seconds(5);

// A connection that no stream has taken yet.  Who drops it resets it.
class SimAccepted final : public net::Accepted {
 public:
  SimAccepted(std::shared_ptr<Connection> connection, int side)
      : connection_(std::move(connection)), side_(side) {}
  ~SimAccepted() override {
    if (connection_ != nullptr) connection_->finish(side_, ECONNRESET);
  }
  const net::Address& local() const override { return connection_->end(side_).address; }
  const net::Address& peer() const override { return connection_->end(1 - side_).address; }
  std::unique_ptr<net::Stream> adopt(Loop& loop, Lender& lender, net::StreamHandler& handler) {
    return std::make_unique<SimStream>(loop, lender, std::exchange(connection_, nullptr), side_, handler);
  }

 private:
  std::shared_ptr<Connection> connection_;
  const int side_;
};

}  // namespace

// Shared with what is on its way to it; its handler is not called when the listener has gone.
struct Internet::Listening {
  SimNetworks& process;
  Loop& loop;
  net::AcceptHandler* handler;
};

class SimNetworks::OfLoop final : public net::Network {
 public:
  OfLoop(SimNetworks& networks, Loop& own) : networks_(networks), loop_(own) {}

  Loop& loop() override { return loop_; }
  Result<std::unique_ptr<net::Listener>> listen(const net::Address& address,
                                                net::AcceptHandler& handler) override;
  std::unique_ptr<net::Stream> adopt(std::unique_ptr<net::Accepted> connection,
                                     net::StreamHandler& handler) override {
    WEFT_CHECK(loop_.is_here(), "adopted on the loop");
    return static_cast<SimAccepted&>(*connection).adopt(loop_, lender_, handler);
  }
  void connect(const net::Address& address, net::ConnectHandler& handler) override;

 private:
  struct Bound;
  void answer(net::ConnectHandler& handler, Duration delay, std::shared_ptr<Connection> connection,
              int error);

  SimNetworks& networks_;
  Loop& loop_;
  Lender lender_;
};

struct SimNetworks::OfLoop::Bound final : net::Listener {
  Bound(std::shared_ptr<Internet::Listening> what, const net::Address& at)
      : listening(std::move(what)), where(at) {}
  ~Bound() override { listening->handler = nullptr; }
  const net::Address& address() const override { return where; }
  const std::shared_ptr<Internet::Listening> listening;
  const net::Address where;
};

Result<std::unique_ptr<net::Listener>> SimNetworks::OfLoop::listen(const net::Address& address,
                                                                   net::AcceptHandler& handler) {
  auto& place = networks_.internet_.listeners_[address.text()];
  if (!place.expired()) return fail(EADDRINUSE, address.text() + " is in use");
  auto listening = std::make_shared<Internet::Listening>(networks_, loop_, &handler);
  place = listening;
  return std::make_unique<Bound>(std::move(listening), address);
}

void SimNetworks::OfLoop::answer(net::ConnectHandler& handler, Duration delay,
                                 std::shared_ptr<Connection> connection, int error) {
  networks_.internet_.world().after(delay, [this, &handler, made = std::move(connection), error]() mutable {
    post_call(loop_, [&handler, its = std::move(made), error]() mutable {
      handler.on_connected(its == nullptr ? nullptr : std::make_unique<SimAccepted>(std::move(its), 0),
                           error);
    });
  });
}

void SimNetworks::OfLoop::connect(const net::Address& address, net::ConnectHandler& handler) {
  Internet& internet = networks_.internet_;
  const Duration delay = internet.latency();
  const auto listening = internet.listeners_[address.text()].lock();
  if (listening == nullptr) return answer(handler, delay, nullptr, ECONNREFUSED);
  if (internet.is_cut(networks_) || internet.is_cut(listening->process))
    return answer(handler, kConnectTime, nullptr, ETIMEDOUT);
  auto from = net::Address::parse(networks_.host_, internet.next_port_++).value();
  auto connection = std::make_shared<Connection>(internet, networks_, from, listening->process, address);
  std::erase_if(internet.connections_, [](const auto& each) { return each.expired(); });
  internet.connections_.push_back(connection);
  internet.world().after(delay / 2, [listening, connection] {
    post_call(listening->loop, [listening, connection] {
      auto accepted = std::make_unique<SimAccepted>(connection, 1);
      if (listening->handler != nullptr) listening->handler->on_accepted(std::move(accepted));
    });
  });
  answer(handler, delay, std::move(connection), 0);
}

std::vector<std::shared_ptr<Connection>> Internet::open_connections() const {
  std::vector<std::shared_ptr<Connection>> open;
  for (const auto& each : connections_)
    if (auto connection = each.lock(); connection != nullptr && connection->is_open())
      open.push_back(std::move(connection));
  return open;
}

bool Internet::knows_its_past(const std::string& host, const std::string& trsvcid) const {
  Time since = Time::max();
  const auto ends = last_ends_.find(host);
  Time last_end = ends == last_ends_.end() ? Time::min() : ends->second.at_target;
  for (const auto& each : connections_) {
    const auto connection = each.lock();
    if (connection == nullptr || connection->end(0).process->host() != host) continue;
    if (!connection->is_whole())
      last_end = std::max(last_end, connection->end(1).ended_at);
    else if (std::to_string(connection->end(1).address.port) == trsvcid)
      since = std::min(since, connection->made_at());
  }
  return last_end <= since && since != Time::max();
}

Time Internet::last_end_at(const std::string& host) const {
  const auto found = last_ends_.find(host);
  return found == last_ends_.end() ? Time::min() : found->second.there;
}

void Internet::damage_one() {
  const auto open = open_connections();
  if (!open.empty()) open[world_.dice().below(open.size())]->damage_next();
}

void Internet::died(const SimNetworks& process, bool tells) {
  std::erase_if(listeners_, [&](const auto& each) {
    const auto listening = each.second.lock();
    return listening != nullptr && &listening->process == &process;
  });
  for (const auto& each : connections_)
    if (const auto connection = each.lock()) connection->died(process, tells);
}

void Internet::has_power_again(const std::string& host) {
  for (const auto& each : connections_)
    if (const auto connection = each.lock()) connection->has_power_again(host);
}

void Internet::reset_one() {
  const auto open = open_connections();
  if (open.empty()) return;
  const auto connection = open[world_.dice().below(open.size())];
  // Mostly both hear of it; else one goes on believing in it.
  const int tells = world_.dice().one_in(4) ? 1 << world_.dice().below(2) : 3;
  world_.note("reset of {} to {}, told to {}", connection->end(0).address.text(),
              connection->end(1).address.text(),
              tells == 3 ? "both" : connection->end(tells >> 1).process->name());
  connection->reset(tells);
}

void Internet::join(const SimNetworks& process) {
  cut_.erase(&process);
  for (const auto& each : connections_)
    if (const auto connection = each.lock()) connection->joined();
}

SimNetworks::SimNetworks(Internet& internet, SimLoops& loops, std::string host)
    : internet_(internet), loops_(loops), host_(std::move(host)) {
  for (Loop* const loop : loops.all()) networks_.push_back(std::make_unique<OfLoop>(*this, *loop));
}

SimNetworks::~SimNetworks() = default;

net::Network& SimNetworks::of(Loop& loop) {
  return *networks_.at(loop.index());
}

}  // namespace weft::sim
