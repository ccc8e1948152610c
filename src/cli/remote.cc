#include "cli/remote.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/text.h"
#include "cli/export_spec.h"
#include "daemon/read_file.h"
#include "wire/nqn.h"

namespace weft::cli {

namespace {

constexpr std::string_view kScheme = "://";
constexpr const char* kPort = "4420";
constexpr const char* kDiscoveryPort = "8009";
constexpr const char* kRule =
    "must be tcp://HOST[:PORT]/NQN[?ns=N], for example tcp://10.0.0.5:4420/nqn.2026-01.io.example:disk";

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail(EINVAL, fmt::format("\"{}\": {}; it {}", text, why, kRule));
}

// HOST[:PORT], with brackets around an IPv6 address.
bool take_host(std::string_view text, RemoteName& name) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    name.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    const std::size_t end = std::min(text.find(':'), text.size());
    name.host = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (name.host.empty()) return false;
  if (text.empty()) return true;
  if (!parse_number(text.substr(1), 1, 0xFFFF) || text[0] != ':') return false;
  name.service = text.substr(1);
  return true;
}

std::string first_line(const char* path) {
  const std::string text = daemon::read_file(path).value_or("");
  return std::string(trim(std::string_view(text).substr(0, text.find('\n'))));
}

// The same in every run on this machine, and no hint of the machine's own id.
Uuid machine_uuid() {
  const std::string id = first_line("/etc/machine-id");
  const std::string digits = name_hash("weft host 1 " + id) + name_hash("weft host 2 " + id);
  Uuid uuid;
  (void)parse_hex(digits, uuid.bytes.data(), uuid.bytes.size());
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0F) | 0x80);  // version 8: made in its own way
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
  return uuid;
}

// A numeric address for a name.
Result<std::string> resolve_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0)
    return fail(EHOSTUNREACH, fmt::format("{}: {}", host, ::gai_strerror(error)));
  char numeric[NI_MAXHOST];
  const int error =
      ::getnameinfo(found->ai_addr, found->ai_addrlen, numeric, sizeof numeric, nullptr, 0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  if (error != 0) return fail(EHOSTUNREACH, fmt::format("{}: {}", host, ::gai_strerror(error)));
  return std::string(numeric);
}

}  // namespace

bool looks_remote(std::string_view text) {
  const std::size_t at = text.find(kScheme);
  return at != std::string_view::npos && at != 0 && text.substr(0, at).find('/') == std::string_view::npos;
}

Result<RemoteName> parse_remote(std::string_view text) {
  RemoteName name;
  std::string_view rest = text;
  const std::size_t scheme = rest.find(kScheme);
  if (scheme == std::string_view::npos) return wrong(text, "it names no transport");
  name.transport = rest.substr(0, scheme);
  const bool is_loop = name.transport == "loop";
  if (name.transport != "tcp" && !is_loop)
    return wrong(text, fmt::format("\"{}\" is no transport of this host", name.transport));
  rest.remove_prefix(scheme + kScheme.size());
  if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
    constexpr std::string_view kKey = "?ns=";
    const auto nsid = rest.substr(query).starts_with(kKey)
                          ? parse_number(rest.substr(query + kKey.size()), 1, 0xFFFFFFFE)
                          : std::nullopt;
    if (!nsid) return wrong(text, "what stands behind the \"?\" is no namespace");
    name.nsid = Nsid(static_cast<std::uint32_t>(*nsid));
    rest = rest.substr(0, query);
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  if (is_loop ? slash != 0 : !take_host(rest.substr(0, slash), name))
    return wrong(text, "its host or port is wrong");
  if (slash < rest.size()) name.subnqn = rest.substr(slash + 1);
  if (!name.subnqn.empty() && !wire::is_usable_nqn(name.subnqn))
    return wrong(text, fmt::format("the NQN {}", wire::describe(wire::nqn_flaw(name.subnqn))));
  return name;
}

Result<host::Identity> identity_of(const RemoteOptions& options) {
  host::Identity identity;
  identity.nqn = !options.hostnqn.empty() ? options.hostnqn : first_line("/etc/nvme/hostnqn");
  if (identity.nqn.empty()) identity.nqn = std::string(wire::kUuidNqnPrefix) + uuid_text(machine_uuid());
  if (const auto flaw = wire::nqn_flaw(identity.nqn); flaw != wire::NqnFlaw::none)
    return fail(EINVAL, fmt::format("--hostnqn \"{}\": the name {}", identity.nqn, wire::describe(flaw)));
  std::string id = !options.hostid.empty() ? options.hostid : first_line("/etc/nvme/hostid");
  if (id.empty() && identity.nqn.starts_with(wire::kUuidNqnPrefix))
    id = identity.nqn.substr(wire::kUuidNqnPrefix.size());
  const auto uuid = id.empty() ? machine_uuid() : parse_uuid(id);
  if (!uuid || uuid->is_nil())
    return fail(EINVAL, fmt::format("--hostid \"{}\": must be a UUID, and not all zeroes", id));
  identity.id = uuid->bytes;
  return identity;
}

void add_identity_options(CLI::App& app, RemoteOptions& options) {
  app.add_option("--hostnqn", options.hostnqn,
                 "name of this host; default /etc/nvme/hostnqn, else one made from the machine")
      ->type_name("NQN");
  app.add_option("--hostid", options.hostid, "default /etc/nvme/hostid, else from the host's name")
      ->type_name("UUID");
  app.add_flag("--hdr-digest", options.header_digest, "protect headers by a checksum");
  app.add_flag("--data-digest", options.data_digest, "protect data by a checksum");
}

Result<fabric::ListenOptions> resolve(const RemoteName& name) {
  if (name.transport == "loop") return fabric::ListenOptions{};
  auto numeric = resolve_host(name.host);
  if (!numeric) return std::unexpected(numeric.error());
  const bool discovery = name.subnqn.empty() || name.subnqn == wire::kDiscoveryNqn;
  return fabric::ListenOptions{*numeric, !name.service.empty() ? name.service
                                         : discovery           ? kDiscoveryPort
                                                               : kPort};
}

void add_remote_options(CLI::App& app, RemoteOptions& options) {
  add_identity_options(app, options);
  app.add_option("--keep-alive", options.keep_alive_s, "seconds; 0: none; default 5")
      ->check(CLI::Range(0, 3600))
      ->type_name("N");
  app.add_option("--loss-time", options.loss_s,
                 "seconds for which a target that was lost is tried again; default 60")
      ->check(CLI::Range(0, 86400))
      ->type_name("N");
}

Result<std::unique_ptr<Remotes>> Remotes::start(const RemoteOptions& options) {
  std::unique_ptr<Remotes> self(new Remotes(options));
  auto identity = identity_of(options);
  if (!identity) return std::unexpected(identity.error());
  self->identity_ = std::move(*identity);
  constexpr std::size_t kBufferBytes = std::size_t{16} * 1024 * 1024;  // the host's data is the command's own
  auto reactors = reactor::Reactors::start(
      {.count = options.reactors, .buffer_bytes_each = kBufferBytes, .name = "weft-host"});
  if (!reactors) return std::unexpected(reactors.error());
  self->reactors_ = std::move(*reactors);
  self->tcp_ = std::make_unique<tcp::TcpInitiator>(*self->reactors_);
  return self;
}

Remotes::~Remotes() {
  if (reactors_ != nullptr) reactors_->stop();
}

Result<std::unique_ptr<host::Session>> Remotes::connect(const RemoteName& name, std::uint16_t queues) {
  if (name.transport == "loop")
    return fail(EOPNOTSUPP, "a loop target is inside a weftd, and reached by weft attach");
  const bool discovery = name.subnqn.empty() || name.subnqn == wire::kDiscoveryNqn;
  const auto found = resolve(name);
  if (!found) return std::unexpected(found.error());
  const auto address = tcp_->canonical(*found);
  if (!address) return std::unexpected(address.error());
  return host::Session::connect(
      *reactors_, *tcp_,
      {.identity = identity_,
       .address = {.traddr = address->traddr,
                   .trsvcid = address->trsvcid,
                   .subnqn = discovery ? std::string(wire::kDiscoveryNqn) : name.subnqn},
       .header_digest = options_.header_digest,
       .data_digest = options_.data_digest,
       .io_queues = discovery ? std::uint16_t{0} : queues,
       .queue_entries = options_.queue_entries,
       .keep_alive = std::chrono::seconds(options_.keep_alive_s),
       .controller_loss_time = std::chrono::seconds(options_.loss_s),
       .reconnect_delay = std::chrono::seconds(2)});
}

Result<host::DiscoveryLog> Remotes::discover(const RemoteName& name) {
  const auto session = connect(name, 0);
  if (!session) return std::unexpected(session.error());
  return host::read_discovery_log(**session);
}

Result<RemoteNamespace> connect_namespace(Remotes& remotes, const RemoteName& name, std::uint16_t queues) {
  if (name.subnqn.empty())
    return fail(EINVAL,
                fmt::format("{}://{}: it names no subsystem; it {}", name.transport, name.host, kRule));
  auto session = remotes.connect(name, queues);
  if (!session) return std::unexpected(session.error());
  Nsid nsid = name.nsid.value_or(Nsid(0));
  if (!name.nsid) {
    const auto all = host::active_namespaces(**session);
    if (!all) return std::unexpected(all.error());
    if (all->size() != 1)
      return fail(EINVAL,
                  fmt::format("{}: it has {} namespaces; choose one: --namespace N, or ?ns=N behind the NQN",
                              name.subnqn, all->size()));
    nsid = all->front();
  }
  auto info = host::namespace_info(**session, nsid);
  if (!info) return fail(info.error().code, fmt::format("{}: {}", name.subnqn, info.error().message));
  if (info->metadata_bytes != 0)
    return fail(
        EOPNOTSUPP,
        fmt::format("{}: namespace {} has {} bytes of metadata in each block, which this host does not know",
                    name.subnqn, nsid.value(), info->metadata_bytes));
  return RemoteNamespace{std::move(*session), *info};
}

}  // namespace weft::cli
