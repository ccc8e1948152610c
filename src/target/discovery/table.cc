// The admin commands of discovery controllers (NVMe Base 2.1, section 3.1.3.3).
#include <algorithm>

#include "target/admin/features.h"
#include "target/admin/handlers.h"
#include "target/admin/identify.h"
#include "target/admin/log_page.h"
#include "target/command_table.h"
#include "target/discovery/log.h"
#include "target/queue.h"
#include "target/target.h"
#include "wire/nqn.h"
#include "wire/opcodes.h"

namespace weft::target {

namespace {

using wire::AdminOpcode;
using wire::FeatureId;
using wire::IdentifyCns;
using wire::LogId;

wire::Parsed<void> identify_discovery_controller(Request& request, const wire::Identify&, IdentifyPage page) {
  wire::IdentifyController id = common_controller(request);
  id.oaes = wire::AsyncEventConfiguration::kDiscoveryLogChange;
  wire::write_terminated(id.subnqn, request.queue.target().discovery_nqn());
  id.cntrltype = static_cast<std::uint8_t>(wire::ControllerType::discovery);
  put(page, id);
  return {};
}

constexpr IdentifyRow kIdentify[] = {
    {IdentifyCns::controller, &identify_discovery_controller},
};

void set_events(Request& request, const wire::SetFeatures& command) {
  set_event_configuration(request, command, wire::AsyncEventConfiguration::kDiscoveryLogChange);
}

constexpr FeatureRow kFeatures[] = {
    {FeatureId::async_event_configuration, &event_configuration, &set_events},
    {FeatureId::keep_alive_timer, &keep_alive_timer, &set_keep_alive_timer},
};
static_assert(std::ranges::is_sorted(kFeatures, {}, &FeatureRow::id));

std::span<const FeatureRow> discovery_features() {
  return kFeatures;
}

constexpr LogPageRow kLogPages[] = {
    {LogId::supported_log_pages, &supported_log_pages},
    {LogId::error_information, &error_information},
    {LogId::commands_supported_and_effects,
     [](const LogRead&) { return command_effects(discovery_admin_commands(), nullptr); }},
    {LogId::feature_effects, [](const LogRead&) { return feature_effects(discovery_features()); }},
    {LogId::discovery, &discovery_log},
};
static_assert(std::ranges::is_sorted(kLogPages, {}, &LogPageRow::id));

constexpr CommandRow kRows[] = {
    admin_row(AdminOpcode::get_log_page, "Get Log Page", &get_log_page<kLogPages>),
    admin_row(AdminOpcode::identify, "Identify", &identify<kIdentify>),
    admin_row(AdminOpcode::set_features, "Set Features", &set_features<&discovery_features>),
    admin_row(AdminOpcode::get_features, "Get Features", &get_features<&discovery_features>),
    admin_row(AdminOpcode::async_event_request, "Asynchronous Event Request", &async_event_request),
    admin_row(AdminOpcode::keep_alive, "Keep Alive", &keep_alive),
};
static_assert(std::ranges::is_sorted(kRows, {}, &CommandRow::opcode));

constexpr CommandTable kTable{kRows};

}  // namespace

const CommandTable& discovery_admin_commands() {
  return kTable;
}

}  // namespace weft::target
