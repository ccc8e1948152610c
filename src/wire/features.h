// Feature identifiers and their values (NVMe Base 2.1, section 5.1.25.1): what Set Features carries in dword
// 11 and Get Features returns in dword 0 of its completion, or in data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/command_error.h"
#include "wire/endian.h"

namespace weft::wire {

enum class FeatureId : std::uint8_t {
  arbitration = 0x01,
  power_management = 0x02,
  lba_range_type = 0x03,
  temperature_threshold = 0x04,
  error_recovery = 0x05,
  volatile_write_cache = 0x06,
  number_of_queues = 0x07,
  interrupt_coalescing = 0x08,
  interrupt_vector_configuration = 0x09,
  write_atomicity = 0x0A,
  async_event_configuration = 0x0B,
  autonomous_power_state_transition = 0x0C,
  host_memory_buffer = 0x0D,
  timestamp = 0x0E,
  keep_alive_timer = 0x0F,
  host_controlled_thermal_management = 0x10,
  non_operational_power_state = 0x11,
  read_recovery_level = 0x12,
  host_behavior_support = 0x16,
  io_command_set_profile = 0x19,
  software_progress_marker = 0x80,
  host_identifier = 0x81,
  reservation_notification_mask = 0x82,
  reservation_persistence = 0x83,
  namespace_write_protection = 0x84,
};
std::string_view name(FeatureId id);  // "Unknown" for what is not in the list

// Every decode() ignores reserved bits; the few values that the specification forbids are refused by a
// parse().

struct Arbitration {
  std::uint8_t burst = 0;       // 2^n commands, 7 = no limit
  std::uint8_t low_weight = 0;  // zero-based
  std::uint8_t medium_weight = 0;
  std::uint8_t high_weight = 0;
  constexpr bool operator==(const Arbitration&) const = default;
  std::uint32_t encode() const;
  static Arbitration decode(std::uint32_t dword);
};

struct PowerManagement {
  std::uint8_t power_state = 0;
  std::uint8_t workload_hint = 0;
  constexpr bool operator==(const PowerManagement&) const = default;
  std::uint32_t encode() const;
  static PowerManagement decode(std::uint32_t dword);
};

// Get Features names the sensor and the type in dword 11 too, and gets the threshold alone.
struct TemperatureThreshold {
  std::uint16_t kelvin = 0;
  std::uint8_t sensor = 0;  // 0 composite, 1 to 8, kAllSensors (Set Features only)
  bool under = false;       // THSEL: under, else over temperature
  std::uint8_t hysteresis = 0;
  static constexpr std::uint8_t kAllSensors = 15;
  constexpr bool operator==(const TemperatureThreshold&) const = default;
  std::uint32_t encode() const;
  // A reserved sensor or type is an Invalid Field.
  static Parsed<TemperatureThreshold> parse(std::uint32_t cdw11);
};

struct ErrorRecovery {
  std::uint16_t time_limited = 0;  // TLER, in 100 ms
  bool dulbe = false;              // deallocated or unwritten blocks are an error
  constexpr bool operator==(const ErrorRecovery&) const = default;
  std::uint32_t encode() const;
  static ErrorRecovery decode(std::uint32_t dword);
};

struct VolatileWriteCache {
  bool enable = false;
  constexpr bool operator==(const VolatileWriteCache&) const = default;
  std::uint32_t encode() const { return enable ? 1 : 0; }
  static VolatileWriteCache decode(std::uint32_t dword) { return {.enable = (dword & 1) != 0}; }
};

struct NumberOfQueues {
  std::uint32_t submission = 1;  // I/O queues, one-based: 1 to 65535
  std::uint32_t completion = 1;
  constexpr bool operator==(const NumberOfQueues&) const = default;
  std::uint32_t encode() const;
  static NumberOfQueues decode(std::uint32_t dword);         // a completion's dword 0
  static Parsed<NumberOfQueues> parse(std::uint32_t cdw11);  // FFFFh is an Invalid Field
};

struct InterruptCoalescing {
  std::uint8_t threshold = 0;
  std::uint8_t time = 0;  // in 100 us
  constexpr bool operator==(const InterruptCoalescing&) const = default;
  std::uint32_t encode() const { return threshold | std::uint32_t{time} << 8; }
  static InterruptCoalescing decode(std::uint32_t dword) {
    return {.threshold = static_cast<std::uint8_t>(dword), .time = static_cast<std::uint8_t>(dword >> 8)};
  }
};

struct WriteAtomicity {
  bool disable_normal = false;
  constexpr bool operator==(const WriteAtomicity&) const = default;
  std::uint32_t encode() const { return disable_normal ? 1 : 0; }
  static WriteAtomicity decode(std::uint32_t dword) { return {.disable_normal = (dword & 1) != 0}; }
};

// Which events the host wants.  The bits from 8 up are the same as OAES in Identify Controller.
struct AsyncEventConfiguration {
  std::uint32_t bits = 0;
  static constexpr std::uint32_t kSmartMask = 0xFF;  // as critical_warning in the SMART log
  static constexpr std::uint32_t kNamespaceAttribute = 1u << 8;
  static constexpr std::uint32_t kFirmwareActivation = 1u << 9;
  static constexpr std::uint32_t kTelemetryLog = 1u << 10;
  static constexpr std::uint32_t kAnaChange = 1u << 11;
  static constexpr std::uint32_t kPredictableLatency = 1u << 12;
  static constexpr std::uint32_t kLbaStatus = 1u << 13;
  static constexpr std::uint32_t kEnduranceGroup = 1u << 14;
  static constexpr std::uint32_t kNormalShutdown = 1u << 15;
  static constexpr std::uint32_t kDiscoveryLogChange = 1u << 31;
  constexpr bool operator==(const AsyncEventConfiguration&) const = default;
  constexpr bool has(std::uint32_t bit) const { return (bits & bit) != 0; }
  std::uint32_t encode() const { return bits; }
  static AsyncEventConfiguration decode(std::uint32_t dword) { return {.bits = dword}; }
};

struct KeepAliveTimer {
  std::uint32_t kato_ms = 0;  // 0 = off
  constexpr bool operator==(const KeepAliveTimer&) const = default;
  std::uint32_t encode() const { return kato_ms; }
  static KeepAliveTimer decode(std::uint32_t dword) { return {.kato_ms = dword}; }
};

// The data of feature 0Eh.
struct TimestampData {
  std::uint8_t milliseconds[6];  // since 1970, or since reset
  std::uint8_t attributes;       // bit 0 SYNCH, 3:1 origin: 0 cleared by reset, 1 set by Set Features
  std::uint8_t reserved;
  std::uint64_t value() const;
  void set_value(std::uint64_t ms);  // the lower 48 bits
};
static_assert(sizeof(TimestampData) == 8);

// The data of feature 16h.  Each field is 0 or 1 (off, on).
struct HostBehaviorSupport {
  std::uint8_t acre;    // advanced command retry
  std::uint8_t etdas;   // extended telemetry data area 4
  std::uint8_t lbafee;  // LBA format extension
  std::uint8_t hdisns;  // host dispersed namespaces
  le16 cdfe;            // copy descriptor formats
  std::uint8_t reserved[506];
};
static_assert(sizeof(HostBehaviorSupport) == 512 && WireStruct<HostBehaviorSupport>);
// A switch that is neither 0 nor 1 is an Invalid Field (no location: it lies in the data).
Parsed<void> check(const HostBehaviorSupport& data);

struct IoCommandSetProfile {
  std::uint16_t index = 0;  // IOCSCI, into Identify CNS 1Ch
  constexpr bool operator==(const IoCommandSetProfile&) const = default;
  std::uint32_t encode() const { return index; }
  static IoCommandSetProfile decode(std::uint32_t dword) {
    return {.index = static_cast<std::uint16_t>(dword & 0x1FF)};
  }
};

// Feature 81h: the data is 8 bytes, or 16 when extended (the only form over Fabrics).
struct HostIdentifierFormat {
  bool extended = false;  // EXHID
  constexpr bool operator==(const HostIdentifierFormat&) const = default;
  constexpr std::size_t data_bytes() const { return extended ? 16 : 8; }
  std::uint32_t encode() const { return extended ? 1 : 0; }
  static HostIdentifierFormat decode(std::uint32_t dword) { return {.extended = (dword & 1) != 0}; }
};

struct ReservationNotificationMask {  // set: that event is masked
  bool registration_preempted = false;
  bool reservation_released = false;
  bool reservation_preempted = false;
  constexpr bool operator==(const ReservationNotificationMask&) const = default;
  std::uint32_t encode() const;
  static ReservationNotificationMask decode(std::uint32_t dword);
};

struct ReservationPersistence {
  bool ptpl = false;  // persist through power loss
  constexpr bool operator==(const ReservationPersistence&) const = default;
  std::uint32_t encode() const { return ptpl ? 1 : 0; }
  static ReservationPersistence decode(std::uint32_t dword) { return {.ptpl = (dword & 1) != 0}; }
};

enum class WriteProtectionState : std::uint8_t {
  none = 0,
  protect = 1,
  until_power_cycle = 2,
  permanent = 3,
};
struct NamespaceWriteProtection {
  WriteProtectionState state = WriteProtectionState::none;
  constexpr bool operator==(const NamespaceWriteProtection&) const = default;
  std::uint32_t encode() const { return static_cast<std::uint32_t>(state); }
  static Parsed<NamespaceWriteProtection> parse(std::uint32_t cdw11);  // a reserved state is an Invalid Field
};

}  // namespace weft::wire
