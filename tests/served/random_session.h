// Random sessions of a host that is nearly right: PDUs as they should be, then bytes changed, PDUs cut,
// dropped, doubled and put elsewhere.  The same dice give the same session.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/dice.h"
#include "transports/tcp/test_host.h"

namespace weft::served {

struct SessionPlan {
  std::string_view subnqn;
  std::uint16_t cntlid =
      0xFFFF;  // of a controller to which I/O queues may be connected; FFFFh: there is none
};

struct Session {
  tcp::Bytes bytes;  // everything that the host sends, from ICReq on
  // Where it usually waits for the answers: after Connect, and after the controller's enabling.
  std::vector<std::size_t> stops;
};
Session random_session(Dice& dice, const SessionPlan& plan);

// WEFT_SEED of the environment, or a new one; says which on stdout.
std::uint64_t seed_of_run();

}  // namespace weft::served
