// Controller properties (NVMe Base 2.1, section 3.1.4), reached over Fabrics with Property Get and Set.
#pragma once

#include <cstdint>

namespace weft::wire {

namespace property {                         // offsets
inline constexpr std::uint32_t kCap = 0x00;  // 8 bytes
inline constexpr std::uint32_t kVs = 0x08;   // 4 bytes, as all that follow
inline constexpr std::uint32_t kCc = 0x14;
inline constexpr std::uint32_t kCsts = 0x1C;
inline constexpr std::uint32_t kNssr = 0x20;
inline constexpr std::uint32_t kCrto = 0x68;
}  // namespace property

namespace detail {
constexpr std::uint64_t bits(std::uint64_t value, unsigned shift, unsigned width) {
  return value >> shift & ((1ull << width) - 1);
}
constexpr std::uint64_t place(std::uint64_t value, unsigned shift, unsigned width) {
  return (value & ((1ull << width) - 1)) << shift;
}
}  // namespace detail

// Controller Capabilities.
struct Cap {
  std::uint32_t max_queue_entries = 1;  // MQES, one-based: 2 to 65536
  bool cqr = true;                      // contiguous queues required
  std::uint8_t ams = 0;                 // arbitration beyond round robin
  std::uint8_t to = 0;                  // time-out of CC.EN to CSTS.RDY, in 500 ms
  std::uint8_t dstrd = 0;
  bool nssrs = false;          // subsystem reset
  std::uint8_t css = kCssNvm;  // command sets: kCss...
  std::uint8_t mpsmin = 0;     // 2^(12 + n) bytes
  std::uint8_t mpsmax = 0;
  std::uint8_t crms = 0;  // controller ready modes: bit 0 with media, bit 1 independent of media

  static constexpr std::uint8_t kCssNvm = 1 << 0;
  static constexpr std::uint8_t kCssIocs = 1 << 6;   // one or more I/O command sets, see Identify CNS 1Ch
  static constexpr std::uint8_t kCssAdmin = 1 << 7;  // no I/O command set

  constexpr bool operator==(const Cap&) const = default;
  constexpr std::uint64_t encode() const {
    using detail::place;
    return place(max_queue_entries - 1, 0, 16) | place(cqr, 16, 1) | place(ams, 17, 2) | place(to, 24, 8) |
           place(dstrd, 32, 4) | place(nssrs, 36, 1) | place(css, 37, 8) | place(mpsmin, 48, 4) |
           place(mpsmax, 52, 4) | place(crms, 59, 2);
  }
  static constexpr Cap decode(std::uint64_t value) {
    using detail::bits;
    return {.max_queue_entries = static_cast<std::uint32_t>(bits(value, 0, 16) + 1),
            .cqr = bits(value, 16, 1) != 0,
            .ams = static_cast<std::uint8_t>(bits(value, 17, 2)),
            .to = static_cast<std::uint8_t>(bits(value, 24, 8)),
            .dstrd = static_cast<std::uint8_t>(bits(value, 32, 4)),
            .nssrs = bits(value, 36, 1) != 0,
            .css = static_cast<std::uint8_t>(bits(value, 37, 8)),
            .mpsmin = static_cast<std::uint8_t>(bits(value, 48, 4)),
            .mpsmax = static_cast<std::uint8_t>(bits(value, 52, 4)),
            .crms = static_cast<std::uint8_t>(bits(value, 59, 2))};
  }
};

// Version; also VER of Identify Controller.
struct Version {
  std::uint16_t major = 0;
  std::uint8_t minor = 0;
  std::uint8_t tertiary = 0;

  constexpr bool operator==(const Version&) const = default;
  constexpr std::uint32_t encode() const {
    return std::uint32_t{major} << 16 | std::uint32_t{minor} << 8 | tertiary;
  }
  static constexpr Version decode(std::uint32_t value) {
    return {.major = static_cast<std::uint16_t>(value >> 16),
            .minor = static_cast<std::uint8_t>(value >> 8),
            .tertiary = static_cast<std::uint8_t>(value)};
  }
};
inline constexpr Version kVersion13{1, 3, 0};  // many saved configurations of Linux nvmet ask for it
inline constexpr Version kVersion14{1, 4, 0};
inline constexpr Version kVersion20{2, 0, 0};
inline constexpr Version kVersion21{2, 1, 0};

enum class ShutdownNotification : std::uint8_t { none = 0, normal = 1, abrupt = 2, reserved = 3 };

// Controller Configuration.
struct Cc {
  bool en = false;
  std::uint8_t css = kCssNvm;  // 0 NVM, 6 all supported command sets, 7 admin only
  std::uint8_t mps = 0;        // 2^(12 + n) bytes
  std::uint8_t ams = 0;        // 0 round robin, 1 weighted round robin
  ShutdownNotification shn = ShutdownNotification::none;
  std::uint8_t iosqes = 0;  // 2^n bytes: 6 when enabled
  std::uint8_t iocqes = 0;  // 2^n bytes: 4 when enabled
  bool crime = false;       // ready independent of media

  static constexpr std::uint8_t kCssNvm = 0;
  static constexpr std::uint8_t kCssAll = 6;
  static constexpr std::uint8_t kCssAdmin = 7;

  constexpr bool operator==(const Cc&) const = default;
  constexpr std::uint32_t encode() const {
    using detail::place;
    return static_cast<std::uint32_t>(place(en, 0, 1) | place(css, 4, 3) | place(mps, 7, 4) |
                                      place(ams, 11, 3) | place(static_cast<std::uint8_t>(shn), 14, 2) |
                                      place(iosqes, 16, 4) | place(iocqes, 20, 4) | place(crime, 24, 1));
  }
  static constexpr Cc decode(std::uint32_t value) {
    using detail::bits;
    return {.en = bits(value, 0, 1) != 0,
            .css = static_cast<std::uint8_t>(bits(value, 4, 3)),
            .mps = static_cast<std::uint8_t>(bits(value, 7, 4)),
            .ams = static_cast<std::uint8_t>(bits(value, 11, 3)),
            .shn = static_cast<ShutdownNotification>(bits(value, 14, 2)),
            .iosqes = static_cast<std::uint8_t>(bits(value, 16, 4)),
            .iocqes = static_cast<std::uint8_t>(bits(value, 20, 4)),
            .crime = bits(value, 24, 1) != 0};
  }
};

enum class ShutdownStatus : std::uint8_t { normal = 0, occurring = 1, complete = 2, reserved = 3 };

// Controller Status.
struct Csts {
  bool rdy = false;
  bool cfs = false;  // fatal
  ShutdownStatus shst = ShutdownStatus::normal;
  bool nssro = false;  // a subsystem reset occurred
  bool pp = false;     // processing paused
  bool st = false;     // the shutdown is one of the whole subsystem

  constexpr bool operator==(const Csts&) const = default;
  constexpr std::uint32_t encode() const {
    using detail::place;
    return static_cast<std::uint32_t>(place(rdy, 0, 1) | place(cfs, 1, 1) |
                                      place(static_cast<std::uint8_t>(shst), 2, 2) | place(nssro, 4, 1) |
                                      place(pp, 5, 1) | place(st, 6, 1));
  }
  static constexpr Csts decode(std::uint32_t value) {
    using detail::bits;
    return {.rdy = bits(value, 0, 1) != 0,
            .cfs = bits(value, 1, 1) != 0,
            .shst = static_cast<ShutdownStatus>(bits(value, 2, 2)),
            .nssro = bits(value, 4, 1) != 0,
            .pp = bits(value, 5, 1) != 0,
            .st = bits(value, 6, 1) != 0};
  }
};

// Controller Ready Timeouts, in 500 ms.
struct Crto {
  std::uint16_t crwmt = 0;  // ready with media
  std::uint16_t crimt = 0;  // ready independent of media

  constexpr bool operator==(const Crto&) const = default;
  constexpr std::uint32_t encode() const { return crwmt | std::uint32_t{crimt} << 16; }
  static constexpr Crto decode(std::uint32_t value) {
    return {.crwmt = static_cast<std::uint16_t>(value), .crimt = static_cast<std::uint16_t>(value >> 16)};
  }
};

}  // namespace weft::wire
