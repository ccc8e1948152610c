// weft tenant create, delete, list, show.
#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/daemon_client.h"
#include "cli/table.h"
#include "cli/tenant_batch.h"

namespace weft::cli {

namespace {

using nlohmann::ordered_json;

constexpr const char* kCreateFooter =
    "Options of a backend stand behind commas: see weft serve --help.\n"
    "Example:\n"
    "  weft tenant create nqn.2026-01.com.example:disks --backend 1G --port tcp:127.0.0.1:4420 \\\n"
    "    --host nqn.2014-08.org.nvmexpress:uuid:...";

// Why, and what became of what had been done.
int report_batch(const char* command, const Refusal& refusal) {
  if (!refusal.body.is_object() || !refusal.body.contains("undone")) return report(command, refusal);
  std::string message = refusal.message;
  for (const auto& each : refusal.body.value("not_undone", ordered_json::array()))
    message += fmt::format("; {} could not be taken back: {}", each.value("path", ""),
                           each.value("error", ordered_json::object()).value("message", ""));
  if (refusal.body.value("undone", false)) message += "; nothing is changed";
  return report(command, Refusal{.message = std::move(message)});
}

int create(int argc, const char* const* argv) {
  constexpr const char* kName = "weft tenant create";
  CLI::App app(
      "Make a tenant in a running weftd: a subsystem with its backends, ports and hosts, all or nothing.",
      kName);
  ClientOptions client;
  TenantOptions options;
  app.add_option("nqn", options.nqn, "name of the subsystem")->type_name("NQN")->required();
  app.add_option(
         "--backend", options.backends,
         "each one namespace: SIZE or ramdisk:SIZE (memory), PATH, file:PATH, block:PATH, null:SIZE, or "
         "target/core/PLUGIN_N/DEVICE, which is there already; may be repeated")
      ->type_name("BACKEND")
      ->allow_extra_args(false);
  app.add_option("--port", options.ports, "where hosts find it; may be repeated")
      ->type_name("tcp:ADDR:PORT")
      ->allow_extra_args(false);
  app.add_option("--host", options.hosts, "who may connect; may be repeated")
      ->type_name("HOSTNQN")
      ->allow_extra_args(false);
  app.add_flag("--any-host", options.any_host, "any host may connect");
  add_client_options(app, client, false);
  app.footer(kCreateFooter);
  if (const auto status = parse(app, argc, argv)) return *status;
  const auto steps = creation(options);
  if (!steps) return report(kName, steps.error());
  const auto done = DaemonClient(client).call("POST", "/v1/batch", {{"operations", *steps}});
  return done ? 0 : report_batch(kName, done.error());
}

// A device goes when no other tenant shows it, and stays without a word about it when one does.
int remove_devices(const char* command, const DaemonClient& client, const std::vector<std::string>& devices) {
  int status = 0;
  for (const auto& device : devices) {
    const auto done = client.call("DELETE", tree_target(device));
    if (done || done.error().name == "EBUSY" || done.error().name == "ENOENT") continue;
    status = report(command, done.error());
  }
  return status;
}

int remove(int argc, const char* const* argv) {
  constexpr const char* kName = "weft tenant delete";
  CLI::App app("Take a tenant down, with the devices that no other tenant links.", kName);
  ClientOptions client;
  std::string nqn;
  bool keep_devices = false;
  app.add_option("nqn", nqn, "name of the subsystem")->type_name("NQN")->required();
  app.add_flag("--keep-devices", keep_devices, "leave its devices in target/core");
  add_client_options(app, client, false);
  if (const auto status = parse(app, argc, argv)) return *status;
  const DaemonClient daemon(client);
  const auto shown = daemon.call("GET", tree_target(subsystem_path(nqn)) + "?attributes=none&depth=3");
  if (!shown) return report(kName, shown.error());
  const Removal its = removal(nqn, *shown);
  const auto done = daemon.call("POST", "/v1/batch", {{"operations", its.steps}});
  if (!done) return report_batch(kName, done.error());
  return keep_devices ? 0 : remove_devices(kName, daemon, its.devices);
}

std::size_t count(const ordered_json& shown, std::string_view group) {
  const auto* const found = find_entry(shown, group);
  return found == nullptr ? 0 : found->value("entries", ordered_json::array()).size();
}

int list_tenants(int argc, const char* const* argv) {
  constexpr const char* kName = "weft tenant list";
  CLI::App app("The tenants of a running weftd.", kName);
  ClientOptions client;
  add_client_options(app, client, true);
  if (const auto status = parse(app, argc, argv)) return *status;
  const auto shown = DaemonClient(client).call("GET", "/v1/tree/nvmet/subsystems?attributes=none&depth=3");
  if (!shown) return report(kName, shown.error());
  std::vector<TableRow> rows{{"NQN", "NAMESPACES", "HOSTS", "PORTS"}};
  ordered_json all = ordered_json::array();
  for (const auto& each : (*shown)["entries"]) {
    const std::string nqn = each.value("name", "");
    ordered_json one = {{"nqn", nqn}};
    TableRow row{nqn};
    for (const char* const group : {"namespaces", "hosts", "ports"}) {
      one[group] = count(each, group);
      row.push_back(fmt::to_string(count(each, group)));
    }
    all.push_back(std::move(one));
    rows.push_back(std::move(row));
  }
  client.json ? print_json(all) : fmt::print("{}", table_text(rows));
  return 0;
}

// What people ask of a tenant, from its part of the tree.
ordered_json describe(const std::string& nqn, const ordered_json& shown) {
  const auto value = [](const ordered_json& directory, std::string_view name) {
    const auto* const found = find_entry(directory, name);
    return found == nullptr ? std::string() : found->value("value", "");
  };
  ordered_json tenant = {{"nqn", nqn},
                         {"serial", value(shown, "attr_serial")},
                         {"any_host", value(shown, "attr_allow_any_host") == "1"},
                         {"namespaces", ordered_json::array()},
                         {"ports", ordered_json::array()},
                         {"hosts", ordered_json::array()},
                         {"controllers", ordered_json::array()}};
  const auto for_each = [&](const char* group, auto act) {
    if (const auto* const found = find_entry(shown, group))
      for (const auto& each : found->value("entries", ordered_json::array()))
        act(each, each.value("name", ""));
  };
  for_each("namespaces", [&](const ordered_json& each, const std::string& name) {
    std::string device;
    for (const auto& entry : each.value("entries", ordered_json::array()))
      if (entry.contains("target")) device = device_path(entry.value("target", ""));
    tenant["namespaces"].push_back({{"name", name},
                                    {"device", device},
                                    {"size", value(each, "size")},
                                    {"uuid", value(each, "device_uuid")}});
  });
  for_each("ports", [&](const ordered_json& each, const std::string& name) {
    tenant["ports"].push_back({{"name", name}, {"enabled", value(each, "enable") == "1"}});
  });
  for_each("hosts", [&](const ordered_json&, const std::string& name) { tenant["hosts"].push_back(name); });
  for_each("controllers", [&](const ordered_json& each, const std::string& name) {
    tenant["controllers"].push_back({{"cntlid", name},
                                     {"hostnqn", value(each, "hostnqn")},
                                     {"host_traddr", value(each, "host_traddr")},
                                     {"port", value(each, "port")},
                                     {"state", value(each, "state")}});
  });
  return tenant;
}

void print_tenant(const ordered_json& tenant) {
  std::vector<TableRow> rows{{"nqn", tenant.value("nqn", "")}, {"serial", tenant.value("serial", "")}};
  for (const auto& each : tenant["namespaces"]) {
    const auto bytes = parse_number(each.value("size", ""), 1, ~0ull);
    rows.push_back(
        {"namespace", fmt::format("{}  {}  {}  {}", each.value("name", ""),
                                  each.value("device", "").empty() ? "no device" : each.value("device", ""),
                                  bytes ? size_text(*bytes) : "not there", each.value("uuid", ""))});
  }
  for (const auto& each : tenant["ports"])
    rows.push_back({"port", each.value("name", "") + (each.value("enabled", false) ? "" : "  disabled")});
  if (tenant.value("any_host", false)) rows.push_back({"host", "any"});
  for (const auto& each : tenant["hosts"]) rows.push_back({"host", each.get<std::string>()});
  for (const auto& each : tenant["controllers"])
    rows.push_back({"controller", fmt::format("{}  {}  {}  {}  {}", each.value("cntlid", ""),
                                              each.value("hostnqn", ""), each.value("host_traddr", ""),
                                              each.value("port", ""), each.value("state", ""))});
  fmt::print("{}", table_text(rows));
}

int show(int argc, const char* const* argv) {
  constexpr const char* kName = "weft tenant show";
  CLI::App app("A tenant of a running weftd: its namespaces, ports, hosts and connected controllers.", kName);
  ClientOptions client;
  std::string nqn;
  app.add_option("nqn", nqn, "name of the subsystem")->type_name("NQN")->required();
  add_client_options(app, client, true);
  if (const auto status = parse(app, argc, argv)) return *status;
  const auto shown =
      DaemonClient(client).call("GET", tree_target(subsystem_path(nqn)) + "?attributes=values&depth=3");
  if (!shown) return report(kName, shown.error());
  const ordered_json tenant = describe(nqn, *shown);
  client.json ? print_json(tenant) : print_tenant(tenant);
  return 0;
}

constexpr Command kTenantCommands[] = {
    {"create", "create NQN --backend BACKEND --port tcp:ADDR:PORT --host HOSTNQN", "make one, all or nothing",
     create},
    {"delete", "delete NQN", "take one down, with its devices", remove, Words::tenants},
    {"list", "list", "all of them", list_tenants},
    {"show", "show NQN", "one of them", show, Words::tenants},
};

}  // namespace

std::span<const Command> tenant_commands() {
  return kTenantCommands;
}

int tenant(int argc, const char* const* argv) {
  const std::string_view name = argc > 1 ? argv[1] : "";
  if (const Command* const command = find_command(tenant_commands(), name))
    return command->run(argc - 1, argv + 1);
  if (name != "--help" && name != "-h")
    return refuse("weft tenant", fmt::format("{}: must be {}; see weft tenant --help",
                                             name.empty() ? "no action" : fmt::format("\"{}\"", name),
                                             names_of(tenant_commands())));
  fmt::print(
      "Tenants of a running weftd: subsystems with their backends, ports and hosts.\nUsage: weft tenant "
      "ACTION\n\n"
      "Actions:\n");
  for (const Command& row : tenant_commands()) fmt::print("  {}\n      {}\n", row.synopsis, row.summary);
  fmt::print("\nweft tenant ACTION --help explains one.  More: man weft-tenant\n");
  return 0;
}

}  // namespace weft::cli
