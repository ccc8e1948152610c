// Identify (NVMe Base 2.1, section 5.1.13): a controller answers the data structures of its table of rows.
#pragma once

#include <cstddef>
#include <span>

#include "target/request.h"
#include "wire/admin_command.h"
#include "wire/identify.h"

namespace weft::target {

using IdentifyPage = std::span<std::byte, wire::kIdentifySize>;

// `page` is zero when the row's turn comes.
struct IdentifyRow {
  wire::IdentifyCns cns;
  wire::Parsed<void> (*fill)(Request& request, const wire::Identify& command, IdentifyPage page);
};

void start_identify(Request& request, std::span<const IdentifyRow> rows, Step send);
void send_identify(Request& request, std::span<const IdentifyRow> rows);

// The handler of a table whose rows are these.
template <const auto& kRows>
void identify(Request& request) {
  start_identify(request, kRows, [](Request& again) { send_identify(again, kRows); });
}

template <wire::WireStruct T>
void put(IdentifyPage page, const T& content) {
  static_assert(sizeof(T) == wire::kIdentifySize);
  std::ranges::copy(wire::bytes_of(content), page.begin());
}

// CNS 01h, as far as every kind of controller has it.
wire::IdentifyController common_controller(Request& request);

// Rows of I/O controllers.
wire::Parsed<void> identify_controller(Request& request, const wire::Identify& command, IdentifyPage page);
wire::Parsed<void> identify_nvm_controller(Request& request, const wire::Identify& command,
                                           IdentifyPage page);
wire::Parsed<void> identify_controller_list(Request& request, const wire::Identify& command,
                                            IdentifyPage page);
wire::Parsed<void> identify_command_sets(Request& request, const wire::Identify& command, IdentifyPage page);
wire::Parsed<void> identify_namespace(Request& request, const wire::Identify& command, IdentifyPage page);
wire::Parsed<void> identify_namespace_list(Request& request, const wire::Identify& command,
                                           IdentifyPage page);
wire::Parsed<void> identify_namespace_ids(Request& request, const wire::Identify& command, IdentifyPage page);
wire::Parsed<void> identify_nvm_namespace(Request& request, const wire::Identify& command, IdentifyPage page);
wire::Parsed<void> identify_independent_namespace(Request& request, const wire::Identify& command,
                                                  IdentifyPage page);

// The greatest NSID that can name a namespace of the subsystem: NN.
std::uint32_t max_nsid(Request& request);

}  // namespace weft::target
