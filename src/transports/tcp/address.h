// Addresses of NVMe/TCP, as both ends read them.
#pragma once

#include "base/result.h"
#include "fabric/fabric.h"
#include "net/address.h"

namespace weft::tcp {

Result<net::Address> parse_address(const fabric::ListenOptions& options);
Result<fabric::ListenOptions> canonical_address(const fabric::ListenOptions& options);

}  // namespace weft::tcp
