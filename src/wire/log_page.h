// Log pages (NVMe Base 2.1, section 5.1.12; ANA 5.1.12.1.13; Discovery 5.1.12.3.1).  Build by filling the
// struct.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/endian.h"

namespace weft::wire {

enum class LogId : std::uint8_t {
  supported_log_pages = 0x00,
  error_information = 0x01,
  smart = 0x02,
  firmware_slot = 0x03,
  changed_namespace_list = 0x04,
  commands_supported_and_effects = 0x05,
  device_self_test = 0x06,
  telemetry_host = 0x07,
  telemetry_controller = 0x08,
  endurance_group = 0x09,
  ana = 0x0C,
  persistent_event = 0x0D,
  feature_effects = 0x12,
  discovery = 0x70,
  reservation_notification = 0x80,
  sanitize_status = 0x81,
};
std::string_view name(LogId id);  // "Unknown" for what is not in the list

// 00h
struct SupportedLogPages {
  le32 lid[256];  // kLogSupported, kLogIndexOffset; 31:16 specific to the page
};
static_assert(sizeof(SupportedLogPages) == 1024);
inline constexpr std::uint32_t kLogSupported = 1 << 0;
inline constexpr std::uint32_t kLogIndexOffset = 1 << 1;

// 01h: the page is an array of these, the newest first.
struct ErrorInformation {
  le64 error_count;  // 0 = no entry
  le16 sqid;         // FFFFh = no particular command
  le16 cid;
  le16 status;                    // Status::encode(); the phase tag in bit 0
  le16 parameter_error_location;  // CommandError::location()
  le64 lba;
  le32 nsid;
  std::uint8_t vendor_log_page;
  std::uint8_t trtype;
  std::uint8_t csi;
  std::uint8_t opcode;
  le64 command_specific;
  le16 transport_specific;
  std::uint8_t reserved[21];
  std::uint8_t log_page_version;  // 1: opcode and csi are valid
};
static_assert(sizeof(ErrorInformation) == 64 && offsetof(ErrorInformation, command_specific) == 32);

// 02h
struct SmartLog {
  std::uint8_t critical_warning;
  le16 composite_temperature;  // kelvin
  std::uint8_t available_spare;
  std::uint8_t available_spare_threshold;
  std::uint8_t percentage_used;
  std::uint8_t endurance_group_warning;
  std::uint8_t reserved7[25];
  le128 data_units_read;  // thousands of 512 bytes, rounded up
  le128 data_units_written;
  le128 host_read_commands;
  le128 host_write_commands;
  le128 controller_busy_minutes;
  le128 power_cycles;
  le128 power_on_hours;
  le128 unsafe_shutdowns;
  le128 media_errors;
  le128 error_log_entries;
  le32 warning_temperature_minutes;
  le32 critical_temperature_minutes;
  le16 temperature_sensor[8];
  le32 thermal_transitions[2];
  le32 thermal_seconds[2];
  std::uint8_t reserved232[280];
};
static_assert(sizeof(SmartLog) == 512 && offsetof(SmartLog, data_units_read) == 32);
static_assert(offsetof(SmartLog, warning_temperature_minutes) == 192);

namespace smart_warning {  // SmartLog::critical_warning
inline constexpr std::uint8_t kSpare = 1 << 0;
inline constexpr std::uint8_t kTemperature = 1 << 1;
inline constexpr std::uint8_t kDegraded = 1 << 2;
inline constexpr std::uint8_t kReadOnly = 1 << 3;
}  // namespace smart_warning

// 03h
struct FirmwareSlotLog {
  std::uint8_t afi;  // bits 2:0 active slot, 6:4 slot after the next reset
  std::uint8_t reserved1[7];
  char frs[7][8];  // revision of each slot, ASCII
  std::uint8_t reserved64[448];
};
static_assert(sizeof(FirmwareSlotLog) == 512 && offsetof(FirmwareSlotLog, frs) == 8);

// 04h: ascending, 0 ends the list; the first entry is FFFFFFFFh when there were more than fit.
struct ChangedNamespaceList {
  le32 nsid[1024];
};
static_assert(sizeof(ChangedNamespaceList) == 4096);
inline constexpr std::uint32_t kChangedListOverflow = 0xFFFFFFFF;

// 05h: an entry for each opcode.
struct CommandEffectsLog {
  le32 admin[256];
  le32 io[256];
  std::uint8_t reserved[2048];
};
static_assert(sizeof(CommandEffectsLog) == 4096 && offsetof(CommandEffectsLog, io) == 1024);

namespace command_effect {
inline constexpr std::uint32_t kSupported = 1 << 0;             // CSUPP
inline constexpr std::uint32_t kBlockContent = 1 << 1;          // LBCC
inline constexpr std::uint32_t kNamespaceCapability = 1 << 2;   // NCC
inline constexpr std::uint32_t kNamespaceInventory = 1 << 3;    // NIC
inline constexpr std::uint32_t kControllerCapability = 1 << 4;  // CCC
inline constexpr std::uint32_t kExclusiveNamespace = 1 << 16;   // CSE 001b: alone in its namespace
inline constexpr std::uint32_t kExclusiveController = 2 << 16;  // CSE 010b: alone
inline constexpr std::uint32_t kUuidSelection = 1 << 19;
}  // namespace command_effect

// 0Ch: a header, then for each group a descriptor followed by its NSIDs (le32, ascending).
struct AnaLogHeader {
  le64 change_count;
  le16 groups;
  std::uint8_t reserved[6];
};
static_assert(sizeof(AnaLogHeader) == 16);

enum class AnaState : std::uint8_t {
  optimized = 0x1,
  non_optimized = 0x2,
  inaccessible = 0x3,
  persistent_loss = 0x4,
  change = 0xF,
};
std::string_view name(AnaState state);

struct AnaGroupDescriptor {
  le32 group_id;
  le32 nsids;  // number of NSIDs that follow; 0 when kAnaGroupsOnly was asked for
  le64 change_count;
  std::uint8_t state;  // AnaState
  std::uint8_t reserved[15];
};
static_assert(sizeof(AnaGroupDescriptor) == 32 && offsetof(AnaGroupDescriptor, state) == 16);
inline constexpr std::uint8_t kAnaGroupsOnly = 1 << 0;  // RGO in LSP

// 12h: an entry for each feature identifier.
struct FeatureEffectsLog {
  le32 fid[256];
};
static_assert(sizeof(FeatureEffectsLog) == 1024);

namespace feature_effect {
inline constexpr std::uint32_t kSupported = 1 << 0;             // FSUPP
inline constexpr std::uint32_t kUserData = 1 << 1;              // UDCC
inline constexpr std::uint32_t kNamespaceCapability = 1 << 2;   // NCC
inline constexpr std::uint32_t kControllerCapability = 1 << 4;  // CCC
inline constexpr std::uint32_t kNamespaceScope = 1 << 20;
inline constexpr std::uint32_t kControllerScope = 1 << 21;
}  // namespace feature_effect

// 70h: a header, then the entries.
struct DiscoveryLogHeader {
  le64 genctr;
  le64 numrec;
  le16 recfmt;
  std::uint8_t reserved[1006];
};
static_assert(sizeof(DiscoveryLogHeader) == 1024 && offsetof(DiscoveryLogHeader, recfmt) == 16);

enum class TransportType : std::uint8_t { unspecified = 0, rdma = 1, fc = 2, tcp = 3, loop = 254 };
std::string_view name(TransportType type);  // "tcp"
enum class AddressFamily : std::uint8_t { pci = 0, ipv4 = 1, ipv6 = 2, ib = 3, fc = 4, loop = 254 };
enum class SubsystemType : std::uint8_t { referral = 1, nvm = 2, current_discovery = 3 };
enum class TcpSecurity : std::uint8_t { none = 0, tls12 = 1, tls13 = 2 };

struct DiscoveryLogEntry {
  std::uint8_t trtype;   // TransportType
  std::uint8_t adrfam;   // AddressFamily
  std::uint8_t subtype;  // SubsystemType
  std::uint8_t treq;     // bits 1:0 secure channel: kTreq...; bit 2 kTreqSqflowDisable
  le16 portid;
  le16 cntlid;  // FFFFh dynamic model, FFFEh static model
  le16 asqsz;   // admin queue size, not zero-based: 32 or more
  le16 eflags;  // kEflag...
  std::uint8_t reserved12[20];
  char trsvcid[32];  // ASCII, space padded
  std::uint8_t reserved64[192];
  char subnqn[256];        // UTF-8, NUL terminated
  char traddr[256];        // ASCII, space padded
  std::uint8_t tsas[256];  // TCP: byte 0 is TcpSecurity
};
static_assert(sizeof(DiscoveryLogEntry) == 1024 && offsetof(DiscoveryLogEntry, trsvcid) == 32);
static_assert(offsetof(DiscoveryLogEntry, subnqn) == 256 && offsetof(DiscoveryLogEntry, tsas) == 768);

inline constexpr std::uint8_t kTreqNotSpecified = 0;
inline constexpr std::uint8_t kTreqRequired = 1;
inline constexpr std::uint8_t kTreqNotRequired = 2;
inline constexpr std::uint8_t kTreqSqflowDisable = 1 << 2;  // SQ flow control may be disabled
inline constexpr std::uint16_t kEflagDuplicateReturned = 1 << 0;
inline constexpr std::uint16_t kEflagExplicitPersistent =
    1 << 1;  // EPCSD: persistent connections are supported
inline constexpr std::uint16_t kEflagNoCdc = 1 << 2;

}  // namespace weft::wire
