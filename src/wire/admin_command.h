// Typed admin commands (NVMe Base 2.1, section 5.1).  Counts are one-based and sizes are bytes here.  The
// caller has looked at the opcode; each parser reads one command's fields.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "wire/command_error.h"
#include "wire/features.h"
#include "wire/log_page.h"
#include "wire/sqe.h"

namespace weft::wire {

// Offsets of the fields in the SQE, for CommandError.
namespace admin_field {
inline constexpr std::uint16_t kNsid = 4;
inline constexpr std::uint16_t kCns = 40;
inline constexpr std::uint16_t kCntid = 42;
inline constexpr std::uint16_t kCsi = 47;  // Identify
inline constexpr std::uint16_t kLid = 40;
inline constexpr std::uint16_t kNumd = 42;
inline constexpr std::uint16_t kLogOffset = 48;
inline constexpr std::uint16_t kLogOffsetType = 58;  // bit 7
inline constexpr std::uint16_t kLogCsi = 59;
inline constexpr std::uint16_t kFid = 40;
inline constexpr std::uint16_t kSel = 41;
inline constexpr std::uint16_t kSave = 43;  // bit 7
inline constexpr std::uint16_t kCdw11 = 44;
inline constexpr std::uint16_t kSqid = 40;
}  // namespace admin_field

struct Identify {
  Nsid nsid;
  std::uint8_t cns = 0;  // IdentifyCns in identify.h
  Cntlid cntid;
  std::uint16_t cns_specific = 0;
  std::uint8_t csi = 0;  // command set: CommandSet in identify.h
  std::uint8_t uuid_index = 0;
  constexpr bool operator==(const Identify&) const = default;
};
Parsed<Identify> parse_identify(const Sqe& sqe);
Sqe make_identify(const Identify& command);

struct GetLogPage {
  Nsid nsid;
  std::uint8_t lid = 0;      // LogId in log_page.h
  std::uint8_t lsp = 0;      // log specific
  bool rae = false;          // retain asynchronous event
  std::uint64_t length = 4;  // bytes: 4 to 2^34
  std::uint64_t offset = 0;  // bytes, or an index where offset_is_index
  bool offset_is_index = false;
  std::uint16_t lsi = 0;
  std::uint8_t csi = 0;
  std::uint8_t uuid_index = 0;
  constexpr bool operator==(const GetLogPage&) const = default;
};
// A byte offset that is not a multiple of 4 is an Invalid Field at kLogOffset.
Parsed<GetLogPage> parse_get_log_page(const Sqe& sqe);
Sqe make_get_log_page(const GetLogPage& command);

enum class FeatureSelect : std::uint8_t { current = 0, default_value = 1, saved = 2, supported = 3 };

struct GetFeatures {
  Nsid nsid;
  std::uint8_t fid = 0;  // FeatureId
  FeatureSelect select = FeatureSelect::current;
  std::uint32_t cdw11 = 0;  // read through features.h
  std::uint8_t uuid_index = 0;
  constexpr bool operator==(const GetFeatures&) const = default;
};
Parsed<GetFeatures> parse_get_features(const Sqe& sqe);  // a reserved SEL is an Invalid Field
Sqe make_get_features(const GetFeatures& command);

// Dword 0 that Get Features returns for FeatureSelect::supported.
struct FeatureCapabilities {
  bool saveable = false;
  bool namespace_specific = false;
  bool changeable = false;
  constexpr bool operator==(const FeatureCapabilities&) const = default;
  constexpr std::uint32_t encode() const {
    return (saveable ? 1u : 0u) | (namespace_specific ? 2u : 0u) | (changeable ? 4u : 0u);
  }
};

struct SetFeatures {
  Nsid nsid;
  std::uint8_t fid = 0;
  bool save = false;
  std::uint32_t cdw11 = 0;  // read through features.h
  std::uint32_t cdw12 = 0;
  std::uint32_t cdw13 = 0;
  std::uint32_t cdw15 = 0;
  std::uint8_t uuid_index = 0;
  constexpr bool operator==(const SetFeatures&) const = default;
};
Parsed<SetFeatures> parse_set_features(const Sqe& sqe);
Sqe make_set_features(const SetFeatures& command);

struct Abort {
  Qid sqid;
  Cid cid;
  constexpr bool operator==(const Abort&) const = default;
};
Parsed<Abort> parse_abort(const Sqe& sqe);
Sqe make_abort(const Abort& command);
inline constexpr std::uint32_t kAbortResultNotAborted = 1;  // bit 0 of dword 0: clear when it was aborted

Sqe make_async_event_request();
Sqe make_keep_alive();

enum class EventType : std::uint8_t {
  error = 0,
  smart = 1,
  notice = 2,
  immediate = 3,
  one_shot = 4,
  io_command_specific = 6,
  vendor_specific = 7,
};

namespace event_info {
// EventType::error
inline constexpr std::uint8_t kPersistentInternalError = 0x03;
inline constexpr std::uint8_t kTransientInternalError = 0x04;
// EventType::smart
inline constexpr std::uint8_t kReliability = 0x00;
inline constexpr std::uint8_t kTemperature = 0x01;
inline constexpr std::uint8_t kSpareBelowThreshold = 0x02;
// EventType::notice
inline constexpr std::uint8_t kNamespaceAttributeChanged = 0x00;
inline constexpr std::uint8_t kAnaChange = 0x03;
inline constexpr std::uint8_t kDiscoveryLogChange = 0xF0;
// EventType::io_command_specific
inline constexpr std::uint8_t kReservationLogAvailable = 0x00;
}  // namespace event_info

// Dword 0 of the completion of an Asynchronous Event Request.
struct AsyncEvent {
  EventType type = EventType::notice;
  std::uint8_t info = 0;
  LogId log_page = LogId::error_information;  // reading it (without RAE) clears the event
  constexpr bool operator==(const AsyncEvent&) const = default;
  constexpr std::uint32_t encode() const {
    return static_cast<std::uint32_t>(type) | std::uint32_t{info} << 8 |
           std::uint32_t{static_cast<std::uint8_t>(log_page)} << 16;
  }
  static constexpr AsyncEvent decode(std::uint32_t dw0) {
    return {.type = static_cast<EventType>(dw0 & 7),
            .info = static_cast<std::uint8_t>(dw0 >> 8),
            .log_page = static_cast<LogId>(dw0 >> 16 & 0xFF)};
  }
};
inline constexpr AsyncEvent kNamespaceChangedEvent{EventType::notice, event_info::kNamespaceAttributeChanged,
                                                   LogId::changed_namespace_list};
inline constexpr AsyncEvent kAnaChangeEvent{EventType::notice, event_info::kAnaChange, LogId::ana};
inline constexpr AsyncEvent kDiscoveryChangeEvent{EventType::notice, event_info::kDiscoveryLogChange,
                                                  LogId::discovery};

}  // namespace weft::wire
