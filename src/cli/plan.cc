#include "cli/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <set>
#include <utility>

#include "config/port_name.h"
#include "daemon/read_file.h"
#include "wire/nqn.h"

namespace weft::cli {

namespace {

constexpr std::uint16_t kDiscoveryPort = 8009;

config::PortName port_name(const net::Address& address) {
  return {"tcp", address.host_text(), fmt::to_string(address.port)};
}

Result<> check_nqn(std::string_view option, const std::string& nqn) {
  if (const auto flaw = wire::nqn_flaw(nqn); flaw != wire::NqnFlaw::none)
    return fail(EINVAL, fmt::format("{} \"{}\": the name {}", option, nqn, wire::describe(flaw)));
  if (nqn == wire::kDiscoveryNqn)
    return fail(EINVAL,
                fmt::format("{} {}: it is the discovery service's name; choose another", option, nqn));
  if (wire::nqn_form(nqn) == wire::NqnForm::other)
    return fail(EINVAL, fmt::format("{} \"{}\": must be nqn.YYYY-MM.REVERSE.DOMAIN:NAME or {}UUID", option,
                                    nqn, wire::kUuidNqnPrefix));
  return {};
}

Result<> read_exports(Plan& plan, const TargetOptions& options) {
  if (options.exports.empty())
    return fail(EINVAL, "nothing to export: name a size, a file or a block device, like 1G or disk.img");
  std::set<std::string> devices;
  for (const auto& text : options.exports) {
    auto made = parse_export(text, plan.exports.size() + 1);
    if (!made) return std::unexpected(std::move(made.error()));
    if (!devices.insert(made->device).second)
      return fail(EINVAL,
                  fmt::format("export \"{}\": it is named twice; a file has one namespace here", text));
    plan.exports.push_back(std::move(*made));
  }
  return {};
}

Result<> read_listen(Plan& plan, const TargetOptions& options, Ports ports) {
  std::set<std::string> seen;
  for (const auto& text : options.listen) {
    auto address = net::Address::parse_with_port(text);
    if (!address) return fail(EINVAL, "--listen: " + address.error().message);
    if (address->port != 0 && !seen.insert(address->text()).second)
      return fail(EINVAL, fmt::format("--listen {}: it is there twice", text));
    if (address->port == 0 && ports == Ports::written)
      return fail(EINVAL,
                  fmt::format("--listen {}: a configuration needs the port's number, like 4420", text));
    if (address->port == 0) {
      auto reserved = ReservedPort::take(*address);
      if (!reserved) return std::unexpected(std::move(reserved.error()));
      address = reserved->address();
      plan.reserved.push_back(std::move(*reserved));
    }
    const net::Address reached = reachable_address(*address);
    plan.places.push_back({*address, reached.host_text(), fmt::to_string(reached.port)});
  }
  return {};
}

Result<> read_advertise(Plan& plan, const TargetOptions& options) {
  if (options.advertise.empty()) return {};
  if (options.advertise.size() != plan.places.size())
    return fail(EINVAL, fmt::format("--advertise: {} of them for {} listening addresses; give one for each "
                                    "--listen, in the same order",
                                    options.advertise.size(), plan.places.size()));
  for (std::size_t i = 0; i < plan.places.size(); ++i) {
    auto address = config::parse_address(options.advertise[i]);
    if (!address) return fail(EINVAL, "--advertise " + address.error().message);
    if (address->trsvcid == "0")
      return fail(EINVAL, fmt::format("--advertise {}: hosts need the port's number", options.advertise[i]));
    plan.places[i].traddr = std::move(address->traddr);
    plan.places[i].trsvcid = std::move(address->trsvcid);
  }
  return {};
}

// Everybody only where nobody else can come.
Result<> read_hosts(Plan& plan, const TargetOptions& options, config::SubsystemEntry& subsystem) {
  for (const auto& host : options.hosts) {
    if (auto checked = check_nqn("--hosts", host); !checked) return checked;
    subsystem.hosts.emplace(host, config::HostEntry());
  }
  if (!subsystem.hosts.empty()) return {};
  for (const Place& place : plan.places)
    if (!place.listener.is_loopback())
      return fail(EINVAL,
                  fmt::format("--listen {}: other machines reach it, so name the hosts that may connect: "
                              "--hosts NQN (on a host: cat /etc/nvme/hostnqn)",
                              place.listener.text()));
  subsystem.attributes["attr_allow_any_host"] = "1";
  return {};
}

// The discovery service has its own port where that is free; each port of a subsystem answers discovery as
// well.
void plan_discovery(Plan& plan, Ports ports) {
  if (ports == Ports::only_own) return;
  std::set<std::string> seen;
  for (const Place& place : plan.places) {
    net::Address address = place.listener;
    address.port = kDiscoveryPort;
    if (!seen.insert(address.text()).second) continue;
    const auto own = std::ranges::find(plan.places, address, &Place::listener);
    if (own != plan.places.end()) {
      plan.discovery.push_back(*own);
      continue;
    }
    if (ports == Ports::live) {
      auto reserved = ReservedPort::take(address);
      if (!reserved) {
        plan.notes.push_back(fmt::format("{} is not free for the discovery service ({}); it answers on {}",
                                         address.text(), errno_text(reserved.error().code),
                                         place.listener.text()));
        continue;
      }
      plan.reserved.push_back(std::move(*reserved));
    }
    plan.discovery.push_back(
        {address, reachable_address(address).host_text(), fmt::to_string(kDiscoveryPort)});
  }
}

void write_ports(Plan& plan, const TargetOptions& options, config::SubsystemEntry& subsystem) {
  for (const Place& place : plan.places) {
    config::PortEntry port;
    if (!options.advertise.empty()) port.advertise = config::address_text(place.traddr, place.trsvcid);
    subsystem.ports[port_name(place.listener)] = std::move(port);
  }
  for (const Place& place : plan.discovery) {
    const auto name = port_name(place.listener);
    const auto own = subsystem.ports.find(name);
    plan.document.discovery_ports[name] = own == subsystem.ports.end() ? config::PortEntry() : own->second;
  }
}

// Letters, digits, '-' and '.' of the machine's name.
std::string host_name() {
  utsname names{};
  std::string host = ::uname(&names) == 0 ? names.nodename : "";
  std::ranges::transform(host, host.begin(), [](unsigned char c) { return std::tolower(c); });
  std::erase_if(host, [](unsigned char c) { return c > 0x7F || (!std::isalnum(c) && c != '-' && c != '.'); });
  return host.empty() ? "localhost" : host.substr(0, 64);
}

}  // namespace

std::string default_nqn(const std::vector<Export>& exports, const std::vector<Place>& places) {
  std::string all = daemon::read_file("/etc/machine-id").value_or("");
  for (const auto& each : exports) all.append("\n").append(each.what);
  for (const auto& each : places) all.append("\n").append(each.listener.text());
  return fmt::format("nqn.2026-01.io.weft:{}:{}", host_name(), name_hash(all).substr(0, 8));
}

std::string uri(const Place& place, const std::string& nqn) {
  return fmt::format("tcp://{}/{}", config::address_text(place.traddr, place.trsvcid), nqn);
}

Result<Plan> make_plan(const TargetOptions& options, Ports ports) {
  Plan plan;
  config::SubsystemEntry subsystem;
  if (!options.nqn.empty())
    if (auto checked = check_nqn("--nqn", options.nqn); !checked) return std::unexpected(checked.error());
  if (auto read = read_exports(plan, options); !read) return std::unexpected(read.error());
  if (auto read = read_listen(plan, options, ports); !read) return std::unexpected(read.error());
  if (auto read = read_advertise(plan, options); !read) return std::unexpected(read.error());
  if (auto read = read_hosts(plan, options, subsystem); !read) return std::unexpected(read.error());
  plan_discovery(plan, ports);
  write_ports(plan, options, subsystem);
  plan.nqn = options.nqn.empty() ? default_nqn(plan.exports, plan.places) : options.nqn;
  std::uint32_t nsid = 0;
  for (const Export& each : plan.exports) {
    plan.document.devices[each.device] = each.entry;
    subsystem.namespaces[Nsid(++nsid)].device = each.device;
  }
  plan.document.subsystems[plan.nqn] = std::move(subsystem);
  return plan;
}

}  // namespace weft::cli
