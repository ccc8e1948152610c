// One command of a host between submit() and its end, as the transport sees it.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <vector>

#include "base/intrusive.h"
#include "fabric/initiator.h"
#include "net/stream.h"
#include "transports/tcp/pdu_out.h"
#include "transports/tcp/scatter.h"
#include "transports/tcp/sealed.h"
#include "wire/tcp_pdu.h"

namespace weft::tcp {

class HostConnection;

// Lives in a slab of its loop until it was answered and nothing of it is still being sent.
struct HostRequest : ListHook<> {
  HostRequest(HostConnection& by, fabric::HostCommand& of)
      : connection(by), command(of), total(static_cast<std::uint32_t>(total_bytes(of.data))) {}

  HostConnection& connection;
  fabric::HostCommand& command;
  const std::uint32_t total;   // bytes of its data
  Scatter into;                // where its data from the controller goes
  std::uint32_t received = 0;  // bytes of it that came
  std::uint32_t sent = 0;      // bytes to the controller that were handed to the stream
  std::uint32_t granted = 0;   // bytes that R2Ts have asked for
  std::uint16_t ttag = 0;      // of the R2T that is being answered
  std::uint16_t cid = 0;
  std::uint8_t parts = 0;  // being sent
  bool damaged = false;    // a data digest was wrong
  bool answered = false;

  PduOut<HostRequest> out;
  std::vector<iovec> slice;  // of the data, for an H2CData that carries a part of it
  union {
    Sealed<wire::tcp::CapsuleCmd> capsule;
    Sealed<wire::tcp::H2cData> h2c_data;
  };
  wire::le32 ddgst;
};

}  // namespace weft::tcp
