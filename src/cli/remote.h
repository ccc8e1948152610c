// A target that a command connects to as a host, and how people name it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/admin_requests.h"
#include "host/discovery.h"
#include "host/session.h"
#include "reactor/reactor.h"
#include "transports/tcp/initiator.h"

namespace weft::cli {

// tcp://HOST[:PORT][/NQN][?ns=N].  HOST is a name or an address, IPv6 in brackets.  loop:///NQN has none.
struct RemoteName {
  std::string transport;
  std::string host;
  std::string service;       // empty: the default
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
  std::uint16_t queues = 1;
  std::uint32_t queue_entries = 128;
  unsigned keep_alive_s = 5;
  unsigned loss_s = 60;
  unsigned reactors = 1;
};
void add_identity_options(CLI::App& app, RemoteOptions& options);  // and digests
void add_remote_options(CLI::App& app, RemoteOptions& options);    // and times
Result<host::Identity> identity_of(const RemoteOptions& options);
// Numeric, with the default service.  Asks the resolver of the system.
Result<fabric::ListenOptions> resolve(const RemoteName& name);

// What connections of one command share.  Not on a loop.
class Remotes {
 public:
  static Result<std::unique_ptr<Remotes>> start(const RemoteOptions& options);
  ~Remotes();  // after the sessions

  // Errors name the address.
  Result<std::unique_ptr<host::Session>> connect(const RemoteName& name, std::uint16_t queues);
  Result<host::DiscoveryLog> discover(const RemoteName& name);

  reactor::Reactors& reactors() { return *reactors_; }
  const host::Identity& identity() const { return identity_; }

 private:
  explicit Remotes(const RemoteOptions& options) : options_(options) {}

  const RemoteOptions options_;
  host::Identity identity_;
  std::unique_ptr<reactor::Reactors> reactors_;
  std::unique_ptr<tcp::TcpInitiator> tcp_;
};

// A session, and the namespace of it that was named or is the only one.
struct RemoteNamespace {
  std::unique_ptr<host::Session> session;
  host::NamespaceInfo info;
};
Result<RemoteNamespace> connect_namespace(Remotes& remotes, const RemoteName& name, std::uint16_t queues);

}  // namespace weft::cli
