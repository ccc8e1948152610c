// The admin commands of I/O controllers.
#include <algorithm>

#include "target/admin/features.h"
#include "target/admin/handlers.h"
#include "target/admin/identify.h"
#include "target/admin/log_page.h"
#include "target/command_table.h"
#include "target/controller.h"
#include "target/queue.h"
#include "wire/opcodes.h"

namespace weft::target {

void async_event_request(Request& request) {
  request.queue.controller().events().add_request(request);
}

void keep_alive(Request& request) {
  request.queue.controller().keep_alive();
  request.complete();
}

namespace {

using wire::AdminOpcode;
using wire::IdentifyCns;
using wire::LogId;

constexpr IdentifyRow kIdentify[] = {
    {IdentifyCns::ns, &identify_namespace},
    {IdentifyCns::controller, &identify_controller},
    {IdentifyCns::active_ns_list, &identify_namespace_list},
    {IdentifyCns::ns_id_descriptors, &identify_namespace_ids},
    {IdentifyCns::command_set_ns, &identify_nvm_namespace},
    {IdentifyCns::command_set_controller, &identify_nvm_controller},
    {IdentifyCns::command_set_active_ns_list, &identify_namespace_list},
    {IdentifyCns::independent_ns, &identify_independent_namespace},
    {IdentifyCns::ns_controller_list, &identify_controller_list},
    {IdentifyCns::controller_list, &identify_controller_list},
    {IdentifyCns::command_set_list, &identify_command_sets},
};
static_assert(std::ranges::is_sorted(kIdentify, {}, &IdentifyRow::cns));

constexpr LogPageRow kLogPages[] = {
    {LogId::supported_log_pages, &supported_log_pages},
    {LogId::error_information, &error_information},
    {LogId::smart, &smart_log},
    {LogId::firmware_slot, &firmware_slots},
    {LogId::changed_namespace_list, &changed_namespaces},
    {LogId::commands_supported_and_effects,
     [](const LogRead&) { return command_effects(admin_commands(), &io_commands()); }},
    {LogId::ana, &ana_log},
    {LogId::feature_effects, [](const LogRead&) { return feature_effects(io_features()); }},
};
static_assert(std::ranges::is_sorted(kLogPages, {}, &LogPageRow::id));

constexpr CommandRow kRows[] = {
    admin_row(AdminOpcode::get_log_page, "Get Log Page", &get_log_page<kLogPages>),
    admin_row(AdminOpcode::identify, "Identify", &identify<kIdentify>),
    admin_row(AdminOpcode::abort, "Abort", &abort_command),
    admin_row(AdminOpcode::set_features, "Set Features", &set_features<&io_features>),
    admin_row(AdminOpcode::get_features, "Get Features", &get_features<&io_features>),
    admin_row(AdminOpcode::async_event_request, "Asynchronous Event Request", &async_event_request),
    admin_row(AdminOpcode::keep_alive, "Keep Alive", &keep_alive),
};
static_assert(std::ranges::is_sorted(kRows, {}, &CommandRow::opcode));

constexpr CommandTable kTable{kRows};

}  // namespace

const CommandTable& admin_commands() {
  return kTable;
}

}  // namespace weft::target
