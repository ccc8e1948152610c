// NVMe/TCP for the configuration: addresses, listeners and the connections that come from them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "fabric/fabric.h"
#include "net/stream.h"
#include "transports/tcp/counters.h"
#include "transports/tcp/options.h"

namespace weft::tcp {

struct Home;
struct Shared;

// Made and destroyed off the loops (or with them standing still); destroyed when all its listeners are gone
// and connections() is 0.
class TcpTransport final : public fabric::Transport {
 public:
  TcpTransport(net::Networks& networks, const Options& options);
  ~TcpTransport() override;

  std::string_view name() const override { return "tcp"; }
  wire::TransportType trtype() const override { return wire::TransportType::tcp; }
  Result<fabric::ListenOptions> canonical(const fabric::ListenOptions& options) const override;
  wire::AddressFamily adrfam(const fabric::ListenOptions& options) const override;

  // The listener is destroyed while the loops run: it ends the connections that have no queue yet.
  Result<std::unique_ptr<fabric::Listener>> listen(const fabric::ListenOptions& options,
                                                   fabric::Acceptor& acceptor) override;

  // Ends every connection.  Any thread.
  void shut_down();
  std::uint32_t connections() const;  // any thread
  Counts counts() const;              // any thread

 private:
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Home>> homes_;  // by the loop's index
};

}  // namespace weft::tcp
