#include "wire/features.h"

#include "wire/named.h"

namespace weft::wire {
namespace {

constexpr Named<FeatureId> kFeatures[] = {
    {FeatureId::arbitration, "Arbitration"},
    {FeatureId::power_management, "Power Management"},
    {FeatureId::lba_range_type, "LBA Range Type"},
    {FeatureId::temperature_threshold, "Temperature Threshold"},
    {FeatureId::error_recovery, "Error Recovery"},
    {FeatureId::volatile_write_cache, "Volatile Write Cache"},
    {FeatureId::number_of_queues, "Number Of Queues"},
    {FeatureId::interrupt_coalescing, "Interrupt Coalescing"},
    {FeatureId::interrupt_vector_configuration, "Interrupt Vector Configuration"},
    {FeatureId::write_atomicity, "Write Atomicity Normal"},
    {FeatureId::async_event_configuration, "Asynchronous Event Configuration"},
    {FeatureId::autonomous_power_state_transition, "Autonomous Power State Transition"},
    {FeatureId::host_memory_buffer, "Host Memory Buffer"},
    {FeatureId::timestamp, "Timestamp"},
    {FeatureId::keep_alive_timer, "Keep Alive Timer"},
    {FeatureId::host_controlled_thermal_management, "Host Controlled Thermal Management"},
    {FeatureId::non_operational_power_state, "Non-Operational Power State Config"},
    {FeatureId::read_recovery_level, "Read Recovery Level"},
    {FeatureId::host_behavior_support, "Host Behavior Support"},
    {FeatureId::io_command_set_profile, "I/O Command Set Profile"},
    {FeatureId::software_progress_marker, "Software Progress Marker"},
    {FeatureId::host_identifier, "Host Identifier"},
    {FeatureId::reservation_notification_mask, "Reservation Notification Mask"},
    {FeatureId::reservation_persistence, "Reservation Persistence"},
    {FeatureId::namespace_write_protection, "Namespace Write Protection Config"},
};

constexpr std::uint16_t kCdw11 = 44;  // offset in the SQE

constexpr std::uint8_t byte_at(std::uint32_t dword, unsigned shift) {
  return static_cast<std::uint8_t>(dword >> shift);
}

}  // namespace

std::string_view name(FeatureId id) {
  return find_name<FeatureId>(kFeatures, id);
}

std::uint32_t Arbitration::encode() const {
  return (burst & 7u) | std::uint32_t{low_weight} << 8 | std::uint32_t{medium_weight} << 16 |
         std::uint32_t{high_weight} << 24;
}

Arbitration Arbitration::decode(std::uint32_t dword) {
  return {.burst = static_cast<std::uint8_t>(dword & 7),
          .low_weight = byte_at(dword, 8),
          .medium_weight = byte_at(dword, 16),
          .high_weight = byte_at(dword, 24)};
}

std::uint32_t PowerManagement::encode() const {
  return (power_state & 0x1Fu) | (workload_hint & 7u) << 5;
}

PowerManagement PowerManagement::decode(std::uint32_t dword) {
  return {.power_state = static_cast<std::uint8_t>(dword & 0x1F),
          .workload_hint = static_cast<std::uint8_t>(dword >> 5 & 7)};
}

std::uint32_t TemperatureThreshold::encode() const {
  return kelvin | (sensor & 0xFu) << 16 | (under ? 1u : 0u) << 20 | (hysteresis & 7u) << 22;
}

Parsed<TemperatureThreshold> TemperatureThreshold::parse(std::uint32_t cdw11) {
  const auto sensor = static_cast<std::uint8_t>(cdw11 >> 16 & 0xF);
  const auto type = cdw11 >> 20 & 3;
  if (sensor > 8 && sensor != kAllSensors) return refuse(status::kInvalidField, kCdw11 + 2, 0);
  if (type > 1) return refuse(status::kInvalidField, kCdw11 + 2, 4);
  return TemperatureThreshold{.kelvin = static_cast<std::uint16_t>(cdw11),
                              .sensor = sensor,
                              .under = type == 1,
                              .hysteresis = static_cast<std::uint8_t>(cdw11 >> 22 & 7)};
}

std::uint32_t ErrorRecovery::encode() const {
  return time_limited | (dulbe ? 1u << 16 : 0u);
}

ErrorRecovery ErrorRecovery::decode(std::uint32_t dword) {
  return {.time_limited = static_cast<std::uint16_t>(dword), .dulbe = (dword >> 16 & 1) != 0};
}

std::uint32_t NumberOfQueues::encode() const {
  return ((submission - 1) & 0xFFFF) | ((completion - 1) & 0xFFFF) << 16;
}

NumberOfQueues NumberOfQueues::decode(std::uint32_t dword) {
  return {.submission = (dword & 0xFFFF) + 1, .completion = (dword >> 16) + 1};
}

Parsed<NumberOfQueues> NumberOfQueues::parse(std::uint32_t cdw11) {
  if ((cdw11 & 0xFFFF) == 0xFFFF) return refuse(status::kInvalidField, kCdw11);
  if (cdw11 >> 16 == 0xFFFF) return refuse(status::kInvalidField, kCdw11 + 2);
  return decode(cdw11);
}

std::uint64_t TimestampData::value() const {
  std::uint64_t ms = 0;
  for (unsigned i = 0; i < sizeof(milliseconds); ++i) ms |= std::uint64_t{milliseconds[i]} << (8 * i);
  return ms;
}

void TimestampData::set_value(std::uint64_t ms) {
  for (unsigned i = 0; i < sizeof(milliseconds); ++i)
    milliseconds[i] = static_cast<std::uint8_t>(ms >> (8 * i));
}

Parsed<void> check(const HostBehaviorSupport& data) {
  if (data.acre > 1 || data.etdas > 1 || data.lbafee > 1 || data.hdisns > 1)
    return refuse(status::kInvalidField);
  return {};
}

std::uint32_t ReservationNotificationMask::encode() const {
  return (registration_preempted ? 2u : 0u) | (reservation_released ? 4u : 0u) |
         (reservation_preempted ? 8u : 0u);
}

ReservationNotificationMask ReservationNotificationMask::decode(std::uint32_t dword) {
  return {.registration_preempted = (dword & 2) != 0,
          .reservation_released = (dword & 4) != 0,
          .reservation_preempted = (dword & 8) != 0};
}

Parsed<NamespaceWriteProtection> NamespaceWriteProtection::parse(std::uint32_t cdw11) {
  const auto state = cdw11 & 7;
  if (state > static_cast<std::uint32_t>(WriteProtectionState::permanent))
    return refuse(status::kInvalidField, kCdw11);
  return NamespaceWriteProtection{.state = static_cast<WriteProtectionState>(state)};
}

}  // namespace weft::wire
