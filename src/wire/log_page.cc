#include "wire/log_page.h"

#include "wire/named.h"

namespace weft::wire {
namespace {

constexpr Named<LogId> kLogs[] = {
    {LogId::supported_log_pages, "Supported Log Pages"},
    {LogId::error_information, "Error Information"},
    {LogId::smart, "SMART / Health Information"},
    {LogId::firmware_slot, "Firmware Slot Information"},
    {LogId::changed_namespace_list, "Changed Attached Namespace List"},
    {LogId::commands_supported_and_effects, "Commands Supported and Effects"},
    {LogId::device_self_test, "Device Self-test"},
    {LogId::telemetry_host, "Telemetry Host-Initiated"},
    {LogId::telemetry_controller, "Telemetry Controller-Initiated"},
    {LogId::endurance_group, "Endurance Group Information"},
    {LogId::ana, "Asymmetric Namespace Access"},
    {LogId::persistent_event, "Persistent Event"},
    {LogId::feature_effects, "Feature Identifiers Supported and Effects"},
    {LogId::discovery, "Discovery"},
    {LogId::reservation_notification, "Reservation Notification"},
    {LogId::sanitize_status, "Sanitize Status"},
};

constexpr Named<AnaState> kAnaStates[] = {
    {AnaState::optimized, "optimized"},
    {AnaState::non_optimized, "non-optimized"},
    {AnaState::inaccessible, "inaccessible"},
    {AnaState::persistent_loss, "persistent-loss"},
    {AnaState::change, "change"},
};

}  // namespace

std::string_view name(LogId id) {
  return find_name<LogId>(kLogs, id);
}
std::string_view name(AnaState state) {
  return find_name<AnaState>(kAnaStates, state);
}

std::string_view name(TransportType type) {
  switch (type) {
    case TransportType::rdma:
      return "rdma";
    case TransportType::fc:
      return "fc";
    case TransportType::tcp:
      return "tcp";
    case TransportType::loop:
      return "loop";
    case TransportType::unspecified:
      break;
  }
  return "unknown";
}

}  // namespace weft::wire
