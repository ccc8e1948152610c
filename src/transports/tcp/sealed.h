// A PDU's header that is to be sent, with room for the digest behind it.
#pragma once

#include <cstddef>

#include "transports/tcp/digest.h"
#include "wire/endian.h"
#include "wire/tcp_pdu.h"

namespace weft::tcp {

template <class Pdu>
struct Sealed {
  Pdu pdu;
  wire::le32 hdgst;

  // Adds the digest where one was agreed; how many bytes go out.
  std::size_t seal(bool digest) {
    if (!digest) return sizeof pdu;
    hdgst = Digest::of(wire::bytes_of(pdu));
    return sizeof pdu + wire::tcp::kDigestSize;
  }
};

inline constexpr std::byte kPadding[128] = {};  // longer than the largest alignment of data

}  // namespace weft::tcp
