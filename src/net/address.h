// An IP address with a port, as a value.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::net {

struct Address {
  enum class Family : std::uint8_t { ipv4, ipv6 };
  Family family = Family::ipv4;
  std::array<std::uint8_t, 16> bytes{};  // network order; the first four for IPv4
  std::uint16_t port = 0;                // host order
  std::uint32_t scope = 0;               // IPv6 link-local interface index

  bool operator==(const Address&) const = default;
  bool is_any() const;
  bool is_loopback() const;
  std::string host_text() const;  // canonical: 127.0.0.1, ::1, fe80::1%eth0
  std::string text() const;       // 127.0.0.1:4420, [::1]:4420

  // A numeric host; EINVAL says what was wrong.
  static Result<Address> parse(std::string_view host, std::uint16_t port);
  // 127.0.0.1:4420 or [::1]:4420.
  static Result<Address> parse_with_port(std::string_view text);
};

}  // namespace weft::net
