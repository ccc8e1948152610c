// NVMe/TCP for hosts.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "fabric/initiator.h"
#include "net/stream.h"
#include "transports/tcp/counters.h"

namespace weft::tcp {

struct HostHome;

class TcpInitiator final : public fabric::Initiator {
 public:
  explicit TcpInitiator(net::Networks& networks);
  ~TcpInitiator() override;

  std::string_view name() const override { return "tcp"; }
  wire::TransportType trtype() const override { return wire::TransportType::tcp; }
  std::unique_ptr<fabric::HostConnection> connect(Loop& loop, const fabric::ConnectOptions& options,
                                                  fabric::HostConnectionOwner& owner) override;
  Result<fabric::ListenOptions> canonical(const fabric::ListenOptions& options) const override;

  // Of all loops; fatal errors are connections ended because of what the target sent.  Any thread.
  Counts counts() const;

 private:
  std::vector<std::unique_ptr<HostHome>> homes_;  // by the loop's index
};

}  // namespace weft::tcp
