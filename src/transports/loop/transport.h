// Hosts and target in one process, without a fabric: queues in memory, one copy of the data, no lock on the
// way. For the configuration a transport whose only port is "loop"; for hosts an initiator.
#pragma once

#include <memory>
#include <string_view>

#include "fabric/fabric.h"
#include "fabric/initiator.h"

namespace weft::loop {

struct Shared;

// Made and destroyed off the loops (or with them standing still); destroyed when its listener is gone and
// connections() is 0.
class LoopTransport final : public fabric::Transport, public fabric::Initiator {
 public:
  explicit LoopTransport(Loops& loops);
  ~LoopTransport() override;

  std::string_view name() const override { return "loop"; }
  wire::TransportType trtype() const override { return wire::TransportType::loop; }
  // There is one address, which has no parts.
  Result<fabric::ListenOptions> canonical(const fabric::ListenOptions& options) const override;
  wire::AddressFamily adrfam(const fabric::ListenOptions&) const override {
    return wire::AddressFamily::loop;
  }
  Result<std::unique_ptr<fabric::Listener>> listen(const fabric::ListenOptions& options,
                                                   fabric::Acceptor& acceptor) override;
  std::unique_ptr<fabric::HostConnection> connect(Loop& loop, const fabric::ConnectOptions& options,
                                                  fabric::HostConnectionOwner& owner) override;

  // Ends every connection, at the target's end.  Any thread.
  void shut_down();
  std::uint32_t connections() const;  // any thread

 private:
  const std::unique_ptr<Shared> shared_;
};

}  // namespace weft::loop
