// The name of a port's directory: <trtype>:<traddr>:<trsvcid>, the address in brackets when it has colons
// itself; `loop`; or pcie:<name>.  What is canonical for an address its transport says.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::config {

struct PortName {
  std::string trtype;
  std::string traddr;
  std::string trsvcid;
  auto operator<=>(const PortName&) const = default;

  std::string text() const;  // tcp:[::1]:4420
  static Result<PortName> parse(std::string_view text);
};

// "10.0.2.2:4420", "[::1]:4420".
std::string address_text(std::string_view traddr, std::string_view trsvcid);

struct HostAndService {
  std::string traddr;
  std::string trsvcid;
};
Result<HostAndService> parse_address(std::string_view text);

}  // namespace weft::config
