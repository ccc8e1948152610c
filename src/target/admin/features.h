// Get Features and Set Features (NVMe Base 2.1, sections 5.1.11 and 5.1.25): a controller has the features of
// its table of rows.  None is saveable or belongs to a namespace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "target/request.h"
#include "wire/admin_command.h"
#include "wire/features.h"

namespace weft::target {

class Controller;

enum class FeatureValue : std::uint8_t { current, default_value };

// One of `value` and `get_data` answers Get Features.
struct FeatureRow {
  wire::FeatureId id;
  // Dword 0 of the completion.
  wire::Parsed<std::uint32_t> (*value)(Controller& controller, const wire::GetFeatures& command,
                                       FeatureValue which);
  // Ends a Set Features command; null: the feature is not changeable.
  void (*set)(Request& request, const wire::SetFeatures& command);
  std::size_t data_bytes = 0;  // that Get Features returns
  void (*get_data)(Controller& controller, FeatureValue which, std::span<std::byte> into) = nullptr;
};

void start_get_features(Request& request, std::span<const FeatureRow> rows, Step send);
void send_feature_data(Request& request, std::span<const FeatureRow> rows);
void start_set_features(Request& request, std::span<const FeatureRow> rows);

// The handlers of a table whose rows `kRows` returns.
template <std::span<const FeatureRow> (*kRows)()>
void get_features(Request& request) {
  start_get_features(request, kRows(), [](Request& again) { send_feature_data(again, kRows()); });
}
template <std::span<const FeatureRow> (*kRows)()>
void set_features(Request& request) {
  start_set_features(request, kRows());
}

// Rows of I/O controllers, by identifier.
std::span<const FeatureRow> io_features();

// Of both kinds of controller.
wire::Parsed<std::uint32_t> event_configuration(Controller& controller, const wire::GetFeatures& command,
                                                FeatureValue which);
// Takes the bits in `allowed`; any other is an Invalid Field.
void set_event_configuration(Request& request, const wire::SetFeatures& command, std::uint32_t allowed);
wire::Parsed<std::uint32_t> keep_alive_timer(Controller& controller, const wire::GetFeatures& command,
                                             FeatureValue which);
void set_keep_alive_timer(Request& request, const wire::SetFeatures& command);

}  // namespace weft::target
