// Targets as people name them, and what reaches them: reactors, TCP and this host's identity put together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/admin_requests.h"
#include "host/discovery.h"
#include "host/namespace.h"
#include "host/session.h"
#include "reactor/reactor.h"
#include "transports/tcp/initiator.h"

namespace weft::client {

// tcp://HOST[:PORT][,HOST[:PORT]...][/NQN][?ns=N].  HOST is a name or an address, IPv6 in brackets; several
// are ways to one subsystem.  loop:///NQN has none.
struct RemoteHost {
  std::string name;
  std::string service;  // empty: the default
};
struct RemoteName {
  std::string transport;
  std::vector<RemoteHost> hosts;
  std::string subnqn;        // empty: the discovery service
  std::optional<Nsid> nsid;  // empty: the only one
};
Result<RemoteName> parse_remote(std::string_view text);
bool looks_remote(std::string_view text);  // "tcp://..."

struct RemoteOptions {
  std::string hostnqn;  // empty: /etc/nvme/hostnqn, or made from the machine
  std::string hostid;
  bool header_digest = false;
  bool data_digest = false;
  std::uint32_t queue_entries = 128;
  unsigned keep_alive_s = 5;
  unsigned loss_s = 60;
  // How long commands wait without a path; empty: as loss_s.
  std::optional<Duration> no_path_time;
  unsigned reactors = 1;
};
Result<host::Identity> identity_of(const RemoteOptions& options);
// Each numeric, with the default service.  Asks the resolver of the system; of several addresses of one name
// it takes the first that answers.  May block for seconds.
Result<std::vector<fabric::ListenOptions>> resolve(const RemoteName& name);

enum class Referrals : std::uint8_t { listed, followed };

// What all connections of a program share.  Any thread but a loop's.
class Remotes {
 public:
  static Result<std::unique_ptr<Remotes>> start(const RemoteOptions& options);
  ~Remotes();  // after all that it has connected

  // Errors name the address.
  Result<std::unique_ptr<host::Session>> connect(const RemoteName& name);  // without I/O queues
  // What the discovery service there knows; those that it refers to are asked too, each once.  One that
  // cannot be asked is told to `skipped`.
  using Skipped = std::function<void(const host::DiscoveryEntry&, const Error&)>;
  Result<std::vector<host::DiscoveryEntry>> discover(const RemoteName& name, Referrals referrals,
                                                     const Skipped& skipped);
  // The namespace that was named, or the only one, by all the ways that were named.  EAGAIN: none is
  // accessible now.
  Result<std::unique_ptr<host::Namespace>> open(const RemoteName& name, std::uint16_t queues);

  const host::Identity& identity() const { return identity_; }

 private:
  explicit Remotes(const RemoteOptions& options) : options_(options) {}
  Result<host::DiscoveryLog> read_log(const RemoteName& name);
  Result<std::vector<host::Options>> ways(const RemoteName& name, std::uint16_t queues) const;

  const RemoteOptions options_;
  host::Identity identity_;
  std::unique_ptr<reactor::Reactors> reactors_;
  std::unique_ptr<tcp::TcpInitiator> tcp_;
};

}  // namespace weft::client
