// Host and target over NVMe/TCP on 127.0.0.1, a reactor each, pinned to a CPU of its own.
#pragma once

#include <memory>

#include "transport/load.h"
#include "transports/tcp/initiator.h"
#include "transports/tcp/transport.h"

namespace weft::bench {

// The first two CPUs that this process may use; ends it when there is one.
Pinning two_cpus();

class TcpBed {
 public:
  explicit TcpBed(Pinning pinning, std::optional<Duration> spin = {});
  ~TcpBed();  // after its namespaces
  TcpBed(const TcpBed&) = delete;
  TcpBed& operator=(const TcpBed&) = delete;

  host::Options options(unsigned connections, std::uint64_t host = 1) const;
  std::unique_ptr<host::Namespace> open(Nsid nsid, const host::Options& options);
  std::unique_ptr<host::Namespace> open(Nsid nsid, unsigned connections = 1, std::uint64_t host = 1) {
    return open(nsid, options(connections, host));
  }
  reactor::Reactors& hosts() { return *here_; }
  const Pinning& pinning() const { return pinning_; }
  Loop& host() { return *here_->all().front(); }
  Loop& target() { return *there_->all().front(); }
  fabric::Initiator& initiator() { return initiator_; }

 private:
  const Pinning pinning_;
  const std::unique_ptr<reactor::Reactors> there_;
  const std::unique_ptr<reactor::Reactors> here_;
  Served served_{*there_};
  tcp::TcpTransport transport_{*there_, {}};
  std::unique_ptr<fabric::Listener> listener_ =
      must(transport_.listen({.traddr = "127.0.0.1", .trsvcid = "0"}, served_.port()));
  tcp::TcpInitiator initiator_{*here_};
};

}  // namespace weft::bench
