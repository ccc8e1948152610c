// Get Log Page (NVMe Base 2.1, section 5.1.12): a controller has the pages of its table of rows.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "target/request.h"
#include "wire/admin_command.h"
#include "wire/log_page.h"

namespace weft::target {

struct LogPageRow;
struct FeatureRow;
class CommandTable;

struct LogRead {
  Request& request;
  const wire::GetLogPage& command;
  std::span<const LogPageRow> rows;  // of the controller that is asked
};

using LogBytes = std::vector<std::byte>;

struct LogPageRow {
  wire::LogId id;
  LogBytes (*build)(const LogRead& read);  // the whole page, as it is now
};

void start_log_page(Request& request, std::span<const LogPageRow> rows, Step send);
void send_log_page(Request& request, std::span<const LogPageRow> rows);

// The handler of a table whose rows are these.
template <const auto& kRows>
void get_log_page(Request& request) {
  start_log_page(request, kRows, [](Request& again) { send_log_page(again, kRows); });
}

// Pages of every kind of controller.
LogBytes supported_log_pages(const LogRead& read);
LogBytes error_information(const LogRead& read);
LogBytes command_effects(const CommandTable& admin, const CommandTable* io);
LogBytes feature_effects(std::span<const FeatureRow> rows);

// Pages of I/O controllers.
LogBytes smart_log(const LogRead& read);
LogBytes firmware_slots(const LogRead& read);
LogBytes changed_namespaces(const LogRead& read);

template <wire::WireStruct T>
LogBytes log_bytes(const T& page) {
  const auto bytes = wire::bytes_of(page);
  return {bytes.begin(), bytes.end()};
}

}  // namespace weft::target
