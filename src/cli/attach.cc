// weft attach, detach, attached: namespaces of targets as local devices, by a running weftd.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/daemon_client.h"
#include "cli/remote_options.h"
#include "cli/table.h"
#include "daemon/local_device.h"

namespace weft::cli {

namespace {

using nlohmann::ordered_json;

// "optimized, lost": of each path in the order of the addresses, what it is good for, or why it is good for
// nothing.
std::string paths_text(const ordered_json& paths) {
  std::string text;
  for (const auto& each : paths) {
    const std::string state = each.value("state", "");
    text += fmt::format("{}{}", text.empty() ? "" : ", ",
                        state == "live" ? each.value("ana_state", state) : state);
  }
  return text;
}

}  // namespace

int attach(int argc, const char* const* argv) {
  constexpr const char* kName = "weft attach";
  CLI::App app("Make a namespace of any target a local device, by a running weftd.", kName);
  ClientOptions client;
  RemoteOptions remote;
  std::string target;
  std::string as = "nbd";
  std::uint32_t nsid = 0;
  app.add_option(
         "target", target,
         "tcp://HOST[:PORT][,HOST[:PORT]...]/NQN[?ns=N], or loop:///NQN or NQN alone for that weftd's own")
      ->type_name("TARGET")
      ->required();
  std::string kinds;
  std::string names;
  for (const daemon::LocalDeviceKind& kind : daemon::local_device_kinds()) {
    kinds += fmt::format("{}: {}; ", kind.name, kind.help);
    const bool is_last = &kind == &daemon::local_device_kinds().back();
    names += fmt::format("{}{}", names.empty() ? "" : is_last ? " or " : ", ", kind.name);
  }
  app.add_option("--as", as, kinds + "default nbd")->type_name("KIND");
  app.add_option("--namespace", nsid, "of the subsystem; default: its only one")
      ->check(CLI::Range(1u, 0xFFFFFFFEu))
      ->type_name("N");
  add_identity_options(app, remote);
  add_client_options(app, client, true);
  if (const auto status = parse(app, argc, argv)) return *status;
  if (daemon::find_local_device_kind(as) == nullptr)
    return refuse(kName, fmt::format("--as \"{}\": must be {}", as, names));
  auto name = parse_remote(looks_remote(target) ? target : "loop:///" + target);
  if (!name) return report(kName, name.error());
  if (name->subnqn.empty()) return refuse(kName, fmt::format("{}: it names no subsystem", target));
  if (nsid != 0) name->nsid = Nsid(nsid);
  const auto identity = client::identity_of(remote);
  if (!identity) return report(kName, identity.error());
  const auto found = client::resolve(*name);
  if (!found) return report(kName, found.error());
  ordered_json addresses = ordered_json::array();
  if (!name->hosts.empty())
    for (const auto& each : *found) addresses.push_back({{"traddr", each.traddr}, {"trsvcid", each.trsvcid}});
  const auto attached = DaemonClient(client).call("POST", "/v1/attachments",
                                                  {{"transport", name->transport},
                                                   {"addresses", std::move(addresses)},
                                                   {"subnqn", name->subnqn},
                                                   {"as", as},
                                                   {"nsid", name->nsid.value_or(Nsid(0)).value()},
                                                   {"hostnqn", identity->nqn},
                                                   {"hostid", uuid_text(Uuid{identity->id})},
                                                   {"hdr_digest", remote.header_digest},
                                                   {"data_digest", remote.data_digest}});
  if (!attached) return report(kName, attached.error());
  if (client.json)
    print_json(*attached);
  else
    fmt::print("{}: {}\n", attached->value("name", ""), attached->value("address", ""));
  return 0;
}

int attached(int argc, const char* const* argv) {
  constexpr const char* kName = "weft attached";
  CLI::App app("What is attached by a running weftd.", kName);
  ClientOptions client;
  add_client_options(app, client, true);
  if (const auto status = parse(app, argc, argv)) return *status;
  const auto all = DaemonClient(client).call("GET", "/v1/attachments");
  if (!all) return report(kName, all.error());
  if (client.json) {
    print_json(*all);
    return 0;
  }
  std::vector<TableRow> rows{{"NAME", "SIZE", "CLIENTS", "PATHS", "NAMESPACE", "SUBSYSTEM", "DEVICE"}};
  for (const auto& each : (*all)["attachments"])
    rows.push_back({each.value("name", ""), size_text(each.value("bytes", std::uint64_t{0})),
                    fmt::to_string(each.value("clients", 0)), paths_text(each["paths"]),
                    fmt::to_string(each.value("nsid", 0)), each.value("subnqn", ""),
                    each.value("address", "")});
  fmt::print("{}", table_text(rows));
  return 0;
}

int detach(int argc, const char* const* argv) {
  constexpr const char* kName = "weft detach";
  CLI::App app("Take away what weft attach has made; its clients' connections end.", kName);
  ClientOptions client;
  std::vector<std::string> names;
  app.add_option("names", names, "as weft attached lists them")->type_name("NAME")->required();
  add_client_options(app, client, false);
  if (const auto status = parse(app, argc, argv)) return *status;
  int result = 0;
  for (const std::string& name : names)
    if (const auto done = DaemonClient(client).call("DELETE", "/v1/attachments/" + name); !done)
      result = report(kName, done.error());
  return result;
}

}  // namespace weft::cli
