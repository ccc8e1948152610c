#include <fmt/format.h>

#include <cerrno>
#include <filesystem>

#include "cli/doctor/checks.h"
#include "config/journal.h"
#include "config/sqlite_store.h"
#include "daemon/configuration_file.h"
#include "daemon/version.h"

namespace weft::cli::doctor {

namespace {

using nlohmann::ordered_json;

class NoJournal final : public config::Journal {
  void problem(std::string_view, std::string_view) override {}
  void note(std::string_view, std::string_view) override {}
  void listening(std::string_view) override {}
};

Finding check_version(const ordered_json& status) {
  const std::string version = status.value("version", "");
  const std::string process = fmt::format("process {}", status.value("process", 0));
  if (version == daemon::kVersion) return {"weftd", State::good, process};
  return {"weftd", State::warning,
          fmt::format("{} is version {}, and this weft {}: restart it", process, version, daemon::kVersion)};
}

void check_reactors(const ordered_json& status, Findings& all) {
  std::size_t number = 0;
  std::size_t well = 0;
  for (const auto& each : status.value("reactors", ordered_json::array())) {
    const auto silent = each.find("silent_seconds");
    if (silent == each.end() || !silent->is_number())
      ++well;
    else
      all.push_back({fmt::format("reactor {}", number), State::bad,
                     fmt::format("it has not come round for {:.0f} s; weftd's log says where it is",
                                 silent->get<double>())});
    ++number;
  }
  if (well == number) all.push_back({"reactors", State::good, fmt::format("all {} come round", number)});
}

void check_overdue(const ordered_json& status, Findings& all) {
  const auto overdue = status.value("overdue", ordered_json::array());
  for (const auto& each : overdue)
    all.push_back({"commands", State::bad,
                   fmt::format("{} of {} wait {} {}, for {:.0f} s", each.value("commands", 0),
                               each.value("subsystem", ""), each.value("waits", ""),
                               each.value("backend", ""), each.value("seconds", 0.0))});
  if (overdue.empty()) all.push_back({"commands", State::good, "none takes long"});
}

void check_devices_of(const ordered_json& status, Findings& all) {
  const auto devices = status.value("devices", ordered_json::object());
  const int count = devices.value("all", 0);
  const int opening = devices.value("opening", 0);
  const int open = devices.value("open", 0);
  if (opening > 0)
    all.push_back({"devices", State::warning,
                   fmt::format("{} of {} are being opened, and may hang: weft status", opening, count)});
  else if (open < count)
    all.push_back({"devices", State::warning,
                   fmt::format("{} of {} are not open; why stands in their info: weft ls target/core",
                               count - open, count)});
  else
    all.push_back({"devices", State::good, fmt::format("all {} are open", count)});
}

}  // namespace

Findings check_weftd(const ordered_json& status) {
  Findings all{check_version(status)};
  check_reactors(status, all);
  check_overdue(status, all);
  check_devices_of(status, all);
  const auto listeners = status.value("listeners", ordered_json::array());
  const bool is_reached = !listeners.empty() || status.value("tenants", 0) == 0;
  all.push_back({"listeners", is_reached ? State::good : State::warning,
                 is_reached ? fmt::to_string(listeners.size())
                            : "no port is enabled: no host finds what is served; weft tenant list"});
  return all;
}

Finding check_store(const std::string& file) {
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) return {"store", State::none, file + ": there is none yet"};
  NoJournal journal;
  auto store = config::SqliteStore::open(file, journal);
  if (!store) return {"store", store.error().code == EBUSY ? State::none : State::bad, store.error().message};
  const auto rows = (*store)->read();
  if (!rows) return {"store", State::bad, rows.error().message};
  return {"store", State::good, fmt::format("{}: {} objects", file, rows->size())};
}

Findings check_configuration(const std::string& file) {
  const auto parsed = daemon::read_configuration(file);
  if (!parsed) return {{"configuration", State::bad, parsed.error().message}};
  Findings all;
  for (const auto& problem : daemon::problems_of(*parsed))
    all.push_back({"configuration", State::bad, problem.text()});
  if (all.empty()) all.push_back({"configuration", State::good, file});
  return all;
}

}  // namespace weft::cli::doctor
