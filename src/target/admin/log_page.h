// Get Log Page (NVMe Base 2.1, section 5.1.12): a controller has the pages of its table of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
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

// A page as it is now: all of it, or of a long one the part that was asked for.
struct LogPage {
  LogPage(LogBytes whole) : size(whole.size()), bytes(std::move(whole)) {}
  LogPage(std::uint64_t page_size, std::uint64_t begin, LogBytes part)
      : size(page_size), first(begin), bytes(std::move(part)) {}
  std::uint64_t size;
  std::uint64_t first = 0;  // where the bytes stand in it; not behind the command's offset
  LogBytes bytes;           // to the end of what was asked for, or of the page
};

struct LogPageRow {
  wire::LogId id;
  LogPage (*build)(const LogRead& read);
};

void start_log_page(Request& request, std::span<const LogPageRow> rows, Step send);
void send_log_page(Request& request, std::span<const LogPageRow> rows);

// The handler of a table whose rows are these.
template <const auto& kRows>
void get_log_page(Request& request) {
  start_log_page(request, kRows, [](Request& again) { send_log_page(again, kRows); });
}

// Pages of every kind of controller.
LogPage supported_log_pages(const LogRead& read);
LogPage error_information(const LogRead& read);
LogPage command_effects(const CommandTable& admin, const CommandTable* io);
LogPage feature_effects(std::span<const FeatureRow> rows);

// Pages of I/O controllers.
LogPage smart_log(const LogRead& read);
LogPage firmware_slots(const LogRead& read);
LogPage changed_namespaces(const LogRead& read);
LogPage ana_log(const LogRead& read);

template <wire::WireStruct T>
LogPage log_page(const T& page) {
  const auto bytes = wire::bytes_of(page);
  return LogBytes(bytes.begin(), bytes.end());
}

}  // namespace weft::target
