#include "transports/tcp/initiator.h"

#include "base/check.h"
#include "transports/tcp/address.h"
#include "transports/tcp/host_connection.h"

namespace weft::tcp {

TcpInitiator::TcpInitiator(net::Networks& networks) {
  for (Loop* loop : networks.loops().all())
    homes_.push_back(std::make_unique<HostHome>(*loop, networks.of(*loop)));
}

TcpInitiator::~TcpInitiator() = default;

std::unique_ptr<fabric::HostConnection> TcpInitiator::connect(Loop& loop,
                                                              const fabric::ConnectOptions& options,
                                                              fabric::HostConnectionOwner& owner) {
  const auto address = parse_address({.traddr = options.traddr, .trsvcid = options.trsvcid});
  WEFT_CHECK(address.has_value(), "the address is what canonical() gave");
  return std::make_unique<HostConnection>(*homes_.at(loop.index()), *address, options, owner);
}

Result<fabric::ListenOptions> TcpInitiator::canonical(const fabric::ListenOptions& options) const {
  return canonical_address(options);
}

Counts TcpInitiator::counts() const {
  Counts sum;
  for (const auto& home : homes_) home->counters.add_to(sum);
  return sum;
}

}  // namespace weft::tcp
