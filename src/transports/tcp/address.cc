#include "transports/tcp/address.h"

#include <fmt/format.h>

#include <cerrno>

#include "base/reached.h"
#include "base/text.h"

namespace weft::tcp {

Result<net::Address> parse_address(const fabric::ListenOptions& options) {
  const auto port = parse_number(options.trsvcid, 0, 0xFFFF);
  if (!port) {
    WEFT_REACHED("tcp.no_port_number");
    return fail(EINVAL,
                fmt::format("tcp service id '{}': must be a port number from 0 to 65535, for example 4420",
                            options.trsvcid));
  }
  return net::Address::parse(options.traddr, static_cast<std::uint16_t>(*port));
}

Result<fabric::ListenOptions> canonical_address(const fabric::ListenOptions& options) {
  const auto address = parse_address(options);
  if (!address) return std::unexpected(address.error());
  return fabric::ListenOptions{.traddr = address->host_text(), .trsvcid = fmt::to_string(address->port)};
}

}  // namespace weft::tcp
