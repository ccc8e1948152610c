// One command between its capsule and its answer, as the transport sees it.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/intrusive.h"
#include "fabric/fabric.h"
#include "net/stream.h"
#include "transports/tcp/pdu_out.h"
#include "transports/tcp/scatter.h"
#include "transports/tcp/sealed.h"
#include "wire/tcp_pdu.h"

namespace weft::tcp {

class Connection;

// Lives in a slab of its loop, from the capsule until it was answered and nothing of the answer is still
// being sent.  It is in one list of its connection at most.
struct TcpCommand : fabric::Command, ListHook<> {
  struct Tail {
    wire::le32 ddgst;  // of the data before it
    Sealed<wire::tcp::CapsuleResp> response;
  };
  static_assert(wire::WireStruct<Tail>);
  struct Grant {
    PduOut<TcpCommand>::Part part;
    iovec piece;
    Sealed<wire::tcp::R2t> pdu;
  };

  explicit TcpCommand(Connection& owner) : connection(owner) {}

  Connection& connection;
  fabric::Pull* pull = nullptr;         // in progress
  fabric::DataOut* data_out = nullptr;  // until released
  Scatter into;                         // where the pull stands
  std::uint32_t granted = 0;            // bytes that the R2T asked for
  std::uint32_t received = 0;           // bytes of them that came
  std::uint16_t tag = 0;                // of the R2T
  std::uint8_t parts = 0;               // being sent
  bool tagged = false;
  bool pulled = false;
  bool damaged = false;  // a data digest was wrong
  bool answered = false;

  // The answer.
  PduOut<TcpCommand> out;
  Sealed<wire::tcp::C2hData> head;
  Tail tail;

  std::optional<Grant> grant;  // for data that does not come in the capsule
};

}  // namespace weft::tcp
