// weft status: what a running weftd serves, and what goes on in it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/daemon_client.h"
#include "cli/table.h"

namespace weft::cli {

namespace {

using nlohmann::ordered_json;

constexpr const char* kName = "weft status";

std::string seconds_text(const ordered_json& one) {
  return one.contains("seconds") ? fmt::format("{:.1f} s", one["seconds"].get<double>()) : "";
}

// Reactors that do not come round, and commands that take long.
void print_health(const ordered_json& status) {
  std::vector<TableRow> rows;
  std::size_t number = 0;
  for (const auto& each : status["reactors"]) {
    if (const auto silent = each.find("silent_seconds"); silent != each.end() && silent->is_number())
      rows.push_back({fmt::format("reactor {}", number), fmt::format("{:.0f} s", silent->get<double>()),
                      "does not come round; weftd's log says where it is"});
    ++number;
  }
  for (const auto& each : status["overdue"]) {
    const std::string host = each.value("host", "");
    rows.push_back(
        {fmt::format("{} of {}", each.value("commands", 0), host.empty() ? each.value("address", "") : host),
         fmt::format("{:.0f} s", each.value("seconds", 0.0)),
         fmt::format("{} in {}: wait {} {}", each.value("oldest", ""), each.value("subsystem", ""),
                     each.value("waits", ""), each.value("backend", ""))});
  }
  if (!rows.empty()) fmt::print("\nWhat takes too long:\n{}", table_text(rows));
}

void print_status(const ordered_json& status) {
  const auto& devices = status["devices"];
  std::vector<TableRow> rows{{"version", status.value("version", "")},
                             {"process", fmt::to_string(status.value("process", 0))},
                             {"tenants", fmt::to_string(status.value("tenants", 0))},
                             {"devices", fmt::format("{}, {} open, {} opening", devices.value("all", 0),
                                                     devices.value("open", 0), devices.value("opening", 0))}};
  std::vector<unsigned> carried;
  unsigned in_use = 0;
  for (const auto& each : status["reactors"]) {
    in_use += each.value("in_use", false) ? 1 : 0;
    carried.push_back(each.value("carries", 0u));
  }
  rows.push_back({"reactors", fmt::format("{} of {} in use, carrying {}", in_use, carried.size(),
                                          fmt::join(carried, " "))});
  for (const auto& each : status["listeners"]) rows.push_back({"listening", each.get<std::string>()});
  fmt::print("{}", table_text(rows));
  print_health(status);
  rows.clear();
  for (const auto& each : status["goings_on"])
    rows.push_back({each.value("what", ""), seconds_text(each), each.value("path", "")});
  for (const auto& each : status["operations"])
    if (!each.value("done", true)) rows.push_back({"waits", seconds_text(each), each.value("request", "")});
  if (rows.empty()) return;
  fmt::print("\nWhat goes on:\n{}", table_text(rows));
}

}  // namespace

int status(int argc, const char* const* argv) {
  CLI::App app("What a running weftd serves, and what goes on in it.", kName);
  ClientOptions options;
  add_client_options(app, options, true);
  if (const auto wrong = parse(app, argc, argv)) return *wrong;
  const DaemonClient daemon(options);
  auto status = daemon.call("GET", "/v1/status");
  if (!status) return report(kName, status.error());
  auto operations = daemon.call("GET", "/v1/operations");
  if (!operations) return report(kName, operations.error());
  (*status)["operations"] = std::move((*operations)["operations"]);
  options.json ? print_json(*status) : print_status(*status);
  return 0;
}

}  // namespace weft::cli
