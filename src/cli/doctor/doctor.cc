// weft doctor: whether this machine and its weftd are in order, and what to do where they are not.
#include <fmt/format.h>

#include <algorithm>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/daemon_client.h"
#include "cli/doctor/checks.h"
#include "cli/table.h"
#include "daemon/configuration_file.h"

namespace weft::cli {

namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::State;

constexpr const char* kName = "weft doctor";
constexpr std::string_view kStates[] = {"ok", "-", "warning", "BAD"};

struct Wanted {
  ClientOptions client;
  std::string configuration;
  std::string store;  // empty: the default
};

std::string_view name_of(State state) {
  return kStates[static_cast<std::size_t>(state)];
}

Findings look(const Wanted& wanted) {
  Findings all = doctor::check_reactor();
  const auto add = [&all](const Findings& more) { all.insert(all.end(), more.begin(), more.end()); };
  add(doctor::check_system("/"));
  if (!wanted.configuration.empty()) add(doctor::check_configuration(wanted.configuration));
  const auto status = DaemonClient(wanted.client).call("GET", "/v1/status");
  if (status) {
    add(doctor::check_weftd(*status));
  } else {
    all.push_back({"weftd", State::none, status.error().message});
    const std::string store = wanted.store.empty() ? daemon::default_store("") : wanted.store;
    if (!store.empty()) all.push_back(doctor::check_store(store));
  }
  return all;
}

void print(const Findings& all) {
  std::vector<TableRow> rows;
  for (const Finding& each : all) rows.push_back({each.what, std::string(name_of(each.state)), each.text});
  fmt::print("{}", table_text(rows));
}

void print_as_json(const Findings& all) {
  auto rows = nlohmann::ordered_json::array();
  for (const Finding& each : all)
    rows.push_back({{"what", each.what}, {"state", name_of(each.state)}, {"text", each.text}});
  print_json({{"findings", rows}});
}

}  // namespace

int examine(int argc, const char* const* argv) {
  CLI::App app("Whether this machine and its weftd are in order, and what to do where they are not.", kName);
  Wanted wanted;
  add_client_options(app, wanted.client, true);
  app.add_option("--config", wanted.configuration, "look at this configuration file, too")->type_name("FILE");
  app.add_option("--store", wanted.store,
                 "the file in which weftd keeps its configuration, looked at while no weftd has it; default "
                 "config.db in the state directory")
      ->type_name("FILE");
  if (const auto wrong = parse(app, argc, argv)) return *wrong;
  const Findings all = look(wanted);
  wanted.client.json ? print_as_json(all) : print(all);
  const bool is_bad = std::ranges::any_of(all, [](const Finding& each) { return each.state == State::bad; });
  return is_bad ? kFailed : 0;
}

}  // namespace weft::cli
