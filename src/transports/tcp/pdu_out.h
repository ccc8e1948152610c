// A PDU on its way to the peer, in as few sends as can be: a stream's work for each costs more than bytes do.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <optional>
#include <span>

#include "net/stream.h"
#include "transports/tcp/sealed.h"

namespace weft::tcp {

// Embedded in its owner, which is found again from each send that is done.
template <class Owner>
class PduOut {
 public:
  struct Pdu {
    iovec header{};  // with its digest
    std::size_t padding = 0;
    std::span<const iovec> data;
    iovec rest{};  // what follows the data: its digest, another PDU
  };

  // How many sends it became; each calls `done`.  What `pdu` refers to stays until the last; then it may be
  // called again.
  std::uint8_t send(net::Stream& stream, Owner& owner, net::SendOp::Done done, const Pdu& pdu) {
    std::size_t count = 0;
    pieces_[count++] = pdu.header;
    if (pdu.padding != 0) pieces_[count++] = {const_cast<std::byte*>(kPadding), pdu.padding};
    const bool few = pdu.data.size() <= kFewPieces;
    if (few) {
      for (const iovec& piece : pdu.data) pieces_[count++] = piece;
      if (pdu.rest.iov_len != 0) pieces_[count++] = pdu.rest;
    }
    start(stream, first_, owner, done, {pieces_, count});
    if (few) return 1;
    More& more = more_.emplace();
    start(stream, more.data, owner, done, pdu.data);
    if (pdu.rest.iov_len == 0) return 2;
    more.piece = pdu.rest;
    start(stream, more.rest, owner, done, {&more.piece, 1});
    return 3;
  }

  // One that is not of a PDU with data.
  struct Part : net::SendOp {
    Owner* owner = nullptr;
  };
  static void start(net::Stream& stream, Part& part, Owner& owner, net::SendOp::Done done,
                    std::span<const iovec> pieces) {
    part.owner = &owner;
    part.pieces = pieces;
    part.done = done;
    stream.send(part);
  }
  static Owner& owner_of(net::SendOp& op) { return *static_cast<Part&>(op).owner; }

 private:
  static constexpr std::size_t kFewPieces = 2;
  struct More {
    Part data;
    Part rest;
    iovec piece{};
  };

  Part first_;
  iovec pieces_[3 + kFewPieces];  // those that are in use are set
  std::optional<More> more_;
};

}  // namespace weft::tcp
