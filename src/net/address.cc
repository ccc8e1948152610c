#include "net/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"

namespace weft::net {

namespace {

bool is_link_local(const Address& address) {
  return address.family == Address::Family::ipv6 && address.bytes[0] == 0xFE &&
         (address.bytes[1] & 0xC0) == 0x80;
}

std::unexpected<Error> refuse(std::string_view text, std::string_view rule) {
  return fail(EINVAL, fmt::format("address \"{}\": {}", text, rule));
}

// "eth0" or an interface's number; 0 when there is none.
std::uint32_t parse_scope(const std::string& zone) {
  if (const auto number = parse_number(zone, 1, 0x7FFFFFFF)) return static_cast<std::uint32_t>(*number);
  return ::if_nametoindex(zone.c_str());
}

std::string scope_text(std::uint32_t scope) {
  char name[IF_NAMESIZE];
  if (::if_indextoname(scope, name) != nullptr) return name;
  return std::to_string(scope);
}

}  // namespace

bool Address::is_any() const {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool Address::is_loopback() const {
  if (family == Family::ipv4) return bytes[0] == 127;
  return std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; }) &&
         bytes[15] == 1;
}

std::string Address::host_text() const {
  char text[INET6_ADDRSTRLEN];
  const int system_family = family == Family::ipv4 ? AF_INET : AF_INET6;
  std::string host = ::inet_ntop(system_family, bytes.data(), text, sizeof text);
  if (scope != 0) host += "%" + scope_text(scope);
  return host;
}

std::string Address::text() const {
  const std::string host = host_text();
  return family == Family::ipv4 ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

Result<Address> Address::parse(std::string_view host, std::uint16_t port) {
  Address address;
  address.port = port;
  const std::size_t percent = host.find('%');
  const std::string number(host.substr(0, percent));
  const bool clean = number.find('\0') == std::string::npos;
  if (clean && ::inet_pton(AF_INET, number.c_str(), address.bytes.data()) == 1) {
    if (percent != std::string_view::npos)
      return refuse(host, "an IPv4 address has no interface: leave out the %");
    return address;
  }
  if (!clean || ::inet_pton(AF_INET6, number.c_str(), address.bytes.data()) != 1)
    return refuse(host, "it must be a numeric IPv4 or IPv6 address, like 192.0.2.1 or 2001:db8::1");
  address.family = Family::ipv6;
  if (percent == std::string_view::npos) {
    if (is_link_local(address))
      return refuse(host, "a link-local address needs its interface, like fe80::1%eth0");
    return address;
  }
  if (!is_link_local(address))
    return refuse(host, "only a link-local address has an interface: leave out the %");
  address.scope = parse_scope(std::string(host.substr(percent + 1)));
  if (address.scope == 0) return refuse(host, "there is no such interface; ip link shows those there are");
  return address;
}

Result<Address> Address::parse_with_port(std::string_view text) {
  constexpr std::string_view kForm = "it must be HOST:PORT, like 192.0.2.1:4420 or [2001:db8::1]:4420";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse(text, kForm);
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  if (brackets != (host.find(':') != std::string_view::npos)) return refuse(text, kForm);
  const bool decimal = !port_text.empty() && std::all_of(port_text.begin(), port_text.end(),
                                                         [](char c) { return c >= '0' && c <= '9'; });
  const auto port = decimal ? parse_number(port_text, 0, 65535) : std::nullopt;
  if (!port) return refuse(text, "the port must be a number from 0 to 65535");
  return parse(host, static_cast<std::uint16_t>(*port));
}

}  // namespace weft::net
