#include "client/remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>

#include "base/text.h"
#include "wire/nqn.h"

namespace weft::client {

namespace {

constexpr std::string_view kScheme = "://";
constexpr const char* kRule =
    "must be tcp://HOST[:PORT][,HOST[:PORT]...]/NQN[?ns=N], for example "
    "tcp://10.0.0.5:4420/nqn.2026-01.io.example:disk";

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail(EINVAL, fmt::format("\"{}\": {}; it {}", text, why, kRule));
}

// HOST[:PORT], with brackets around an IPv6 address.
bool take_host(std::string_view text, RemoteName& name) {
  RemoteHost host;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host.name = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    const std::size_t end = std::min(text.find(':'), text.size());
    host.name = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (host.name.empty()) return false;
  if (!text.empty()) {
    if (!parse_number(text.substr(1), 1, 0xFFFF) || text[0] != ':') return false;
    host.service = text.substr(1);
  }
  name.hosts.push_back(std::move(host));
  return true;
}

bool take_hosts(std::string_view text, RemoteName& name) {
  constexpr std::size_t kMostHosts = 16;
  while (name.hosts.size() < kMostHosts) {
    const std::size_t end = text.find(',');
    if (!take_host(text.substr(0, end), name)) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
  return false;
}

std::string first_line(const char* path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return std::string(trim(line));
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
  if (is_loop ? slash != 0 : !take_hosts(rest.substr(0, slash), name))
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

Result<std::vector<host::Options>> Remotes::ways(const RemoteName& name, std::uint16_t queues) const {
  if (name.transport == "loop")
    return fail(EOPNOTSUPP, "a loop target is inside a weftd, and reached by weft attach");
  const auto found = resolve(name);
  if (!found) return std::unexpected(found.error());
  std::vector<host::Options> all;
  for (const fabric::ListenOptions& each : *found) {
    const auto address = tcp_->canonical(each);
    if (!address) return std::unexpected(address.error());
    all.push_back(
        {.identity = identity_,
         .address = {.traddr = address->traddr,
                     .trsvcid = address->trsvcid,
                     .subnqn = name.subnqn.empty() ? std::string(wire::kDiscoveryNqn) : name.subnqn},
         .header_digest = options_.header_digest,
         .data_digest = options_.data_digest,
         .io_queues = queues,
         .queue_entries = options_.queue_entries,
         .keep_alive = std::chrono::seconds(options_.keep_alive_s),
         .controller_loss_time = std::chrono::seconds(options_.loss_s),
         .reconnect_delay = std::chrono::seconds(2)});
  }
  return all;
}

Result<std::unique_ptr<host::Session>> Remotes::connect(const RemoteName& name) {
  const auto all = ways(name, 0);
  if (!all) return std::unexpected(all.error());
  if (all->size() > 1)
    return fail(EINVAL, fmt::format("{}: names {} ways; this asks one controller, so name one",
                                    name.subnqn.empty() ? "the target" : name.subnqn, all->size()));
  return host::Session::connect(*reactors_, *tcp_, all->front());
}

Result<host::DiscoveryLog> Remotes::read_log(const RemoteName& name) {
  const auto session = connect(name);
  if (!session) return std::unexpected(session.error());
  return host::read_discovery_log(**session);
}

Result<std::vector<host::DiscoveryEntry>> Remotes::discover(const RemoteName& name, Referrals referrals,
                                                            const Skipped& skipped) {
  const auto log = read_log(name);
  if (!log) return std::unexpected(log.error());
  if (referrals == Referrals::listed) return log->entries;
  const auto ask = [this](const host::DiscoveryEntry& at) -> Result<host::DiscoveryLog> {
    if (at.trtype != wire::TransportType::tcp)
      return fail(EPROTONOSUPPORT, fmt::format("{} is no transport of this host", wire::name(at.trtype)));
    return read_log({.transport = "tcp", .hosts = {{at.traddr, at.trsvcid}}, .subnqn = {}, .nsid = {}});
  };
  return host::with_referrals(*log, ask, skipped);
}

Result<std::unique_ptr<host::Namespace>> Remotes::open(const RemoteName& name, std::uint16_t queues) {
  if (name.subnqn.empty())
    return fail(EINVAL, fmt::format("{}://{}: it names no subsystem; it {}", name.transport,
                                    name.hosts.empty() ? "" : name.hosts.front().name, kRule));
  auto all = ways(name, queues);
  if (!all) return std::unexpected(all.error());
  host::NamespaceOptions options{
      .nsid = name.nsid.value_or(Nsid(0)),
      .no_path_time = options_.no_path_time.value_or(std::chrono::seconds(options_.loss_s))};
  for (host::Options& each : *all) options.ways.push_back({tcp_.get(), std::move(each)});
  auto remote = host::Namespace::open(*reactors_, std::move(options));
  if (!remote) return remote;
  if (const auto& info = (*remote)->info(); info.metadata_bytes != 0)
    return fail(
        EOPNOTSUPP,
        fmt::format("{}: namespace {} has {} bytes of metadata in each block, which this host does not know",
                    name.subnqn, info.nsid.value(), info.metadata_bytes));
  const auto paths = (*remote)->paths();
  if (std::ranges::any_of(paths, &host::PathState::is_accessible)) return remote;
  std::string why;
  for (const host::PathState& each : paths)
    why += fmt::format("{}{}:{} is {}", why.empty() ? "" : ", ", each.address.traddr, each.address.trsvcid,
                       each.ana ? wire::name(*each.ana) : host::name(each.kind));
  return fail(EAGAIN, fmt::format("{}: no way to it is accessible now: {}", name.subnqn, why));
}

}  // namespace weft::client
