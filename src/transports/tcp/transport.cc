#include "transports/tcp/transport.h"

#include <algorithm>

#include "base/call.h"
#include "base/check.h"
#include "transports/tcp/address.h"
#include "transports/tcp/home.h"
#include "transports/tcp/listener.h"

namespace weft::tcp {

namespace {

Options made_valid(Options options) {
  options.max_h2c_data = std::max(options.max_h2c_data / 4 * 4, wire::tcp::kMinMaxH2cData);
  return options;
}

}  // namespace

TcpTransport::TcpTransport(net::Networks& networks, const Options& options)
    : shared_(new Shared{.loops = networks.loops(), .options = made_valid(options)}) {
  for (Loop* loop : networks.loops().all())
    homes_.push_back(std::make_unique<Home>(*loop, networks.of(*loop), *shared_));
}

TcpTransport::~TcpTransport() {
  WEFT_CHECK(connections() == 0, "connections end before their transport");
}

Result<fabric::ListenOptions> TcpTransport::canonical(const fabric::ListenOptions& options) const {
  return canonical_address(options);
}

wire::AddressFamily TcpTransport::adrfam(const fabric::ListenOptions& options) const {
  const auto address = parse_address(options);
  const bool ipv6 = address && address->family == net::Address::Family::ipv6;
  return ipv6 ? wire::AddressFamily::ipv6 : wire::AddressFamily::ipv4;
}

Result<std::unique_ptr<fabric::Listener>> TcpTransport::listen(const fabric::ListenOptions& options,
                                                               fabric::Acceptor& acceptor) {
  const auto address = parse_address(options);
  if (!address) return std::unexpected(address.error());
  return TcpListener::open(*address, homes_, *shared_, acceptor);
}

void TcpTransport::shut_down() {
  for (const auto& home : homes_) {
    post_call(home->loop, [home = home.get()] {
      for (auto at = home->connections.begin(); at != home->connections.end();) {
        Connection& connection = *at++;
        connection.close(fabric::CloseReason::shutdown);
      }
    });
  }
}

std::uint32_t TcpTransport::connections() const {
  return shared_->connections.load(std::memory_order_acquire);
}

Counts TcpTransport::counts() const {
  Counts sum;
  for (const auto& home : homes_) home->counters.add_to(sum);
  return sum;
}

}  // namespace weft::tcp
