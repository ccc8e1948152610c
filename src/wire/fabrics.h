// Fabrics commands (NVMe Base 2.1, section 6): Connect, Property Get and Set, Disconnect; and the results
// that their completions carry.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "wire/command_error.h"
#include "wire/endian.h"
#include "wire/sqe.h"

namespace weft::wire {

inline constexpr std::size_t kNqnFieldSize = 256;

// The data of Connect.
struct ConnectData {
  std::uint8_t hostid[16];
  le16 cntlid;
  std::uint8_t reserved18[238];
  char subnqn[kNqnFieldSize];
  char hostnqn[kNqnFieldSize];
  std::uint8_t reserved768[256];
};
inline constexpr std::size_t kConnectDataSize = 1024;
static_assert(sizeof(ConnectData) == kConnectDataSize && offsetof(ConnectData, cntlid) == 16);
static_assert(offsetof(ConnectData, subnqn) == 256 && offsetof(ConnectData, hostnqn) == 512);

// Offsets of Connect's fields, for Connect Invalid Parameters: in the SQE, and in the data.
namespace connect_field {
inline constexpr std::uint16_t kRecfmt = 40;
inline constexpr std::uint16_t kQid = 42;
inline constexpr std::uint16_t kSqsize = 44;
inline constexpr std::uint16_t kCattr = 46;
inline constexpr std::uint16_t kKato = 48;
inline constexpr std::uint16_t kHostid = offsetof(ConnectData, hostid);
inline constexpr std::uint16_t kCntlid = offsetof(ConnectData, cntlid);
inline constexpr std::uint16_t kSubnqn = offsetof(ConnectData, subnqn);
inline constexpr std::uint16_t kHostnqn = offsetof(ConnectData, hostnqn);
}  // namespace connect_field

enum class QueuePriority : std::uint8_t { urgent = 0, high = 1, medium = 2, low = 3 };

struct Connect {
  Qid qid;
  std::uint32_t queue_size = 0;  // entries, one-based: 2 to 65536
  QueuePriority priority = QueuePriority::urgent;
  bool disable_sqflow = false;
  bool individual_queue_deletion = false;
  std::uint32_t kato_ms = 0;  // 0 = no keep alive
  constexpr bool operator==(const Connect&) const = default;
};
// RECFMT other than 0: Connect Incompatible Format.  SQSIZE 0: Connect Invalid Parameters at kSqsize, the
// completion's result is then invalid_parameter_result(error).
Parsed<Connect> parse_connect(const Sqe& sqe);

// Views into the ConnectData they were parsed from.
struct ConnectParameters {
  std::array<std::uint8_t, 16> hostid{};
  Cntlid cntlid;
  std::string_view subnqn;  // 1 to 223 bytes of a valid NQN
  std::string_view hostnqn;
};
// What is wrong with the data alone: a NQN that is empty, too long, without its NUL or not text.  Connect
// Invalid Parameters; location_byte is the offset in the data.  A HOSTID of zero passes: only some features
// mind it.
Parsed<ConnectParameters> parse_connect_data(const ConnectData& data);
Parsed<ConnectParameters> parse_connect_data(const ConnectData&& data) = delete;  // the names are views of it

// Result of Connect Invalid Parameters (IPO and IATTR).
constexpr std::uint32_t invalid_parameter_result(std::uint16_t offset, bool in_data) {
  return offset | (in_data ? 1u << 16 : 0u);
}

struct InvalidParameter {
  std::uint16_t offset = 0;  // IPO
  bool in_data = false;      // IATTR: in the data, else in the SQE
  constexpr bool operator==(const InvalidParameter&) const = default;
  static constexpr InvalidParameter decode(std::uint32_t dw0) {
    return {.offset = static_cast<std::uint16_t>(dw0), .in_data = (dw0 >> 16 & 1) != 0};
  }
};

// Result of a Connect that succeeded.
struct ConnectResult {
  Cntlid cntlid;
  bool authentication_required = false;  // AUTHREQ.ATR
  bool secure_channel_required = false;  // AUTHREQ.ASCR
  constexpr bool operator==(const ConnectResult&) const = default;

  constexpr std::uint32_t encode() const {
    return cntlid.value() | (authentication_required ? 1u << 17 : 0u) |
           (secure_channel_required ? 1u << 18 : 0u);
  }
  static constexpr ConnectResult decode(std::uint32_t dw0) {
    return {.cntlid = Cntlid(static_cast<std::uint16_t>(dw0)),
            .authentication_required = (dw0 >> 17 & 1) != 0,
            .secure_channel_required = (dw0 >> 18 & 1) != 0};
  }
};

struct PropertyGet {
  std::uint32_t offset = 0;  // properties.h
  std::uint8_t size = 4;     // bytes: 4 or 8
  constexpr bool operator==(const PropertyGet&) const = default;
};
Parsed<PropertyGet> parse_property_get(const Sqe& sqe);

struct PropertySet {
  std::uint32_t offset = 0;
  std::uint8_t size = 4;
  std::uint64_t value = 0;  // the upper half is 0 when size is 4
  constexpr bool operator==(const PropertySet&) const = default;
};
Parsed<PropertySet> parse_property_set(const Sqe& sqe);

// RECFMT other than 0 is an Invalid Field (Disconnect has no other field).
struct Disconnect {};
Parsed<Disconnect> parse_disconnect(const Sqe& sqe);

// The commands as a host builds them; the caller sets cid and the data pointer.
Sqe make_connect(const Connect& command);
Sqe make_property_get(const PropertyGet& command);
Sqe make_property_set(const PropertySet& command);
Sqe make_disconnect();

}  // namespace weft::wire
