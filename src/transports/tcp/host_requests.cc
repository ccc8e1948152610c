// Capsules, H2CData, and how commands end.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/reached.h"
#include "transports/tcp/host_connection.h"

namespace weft::tcp {

using wire::tcp::PduType;

void HostConnection::submit(fabric::HostCommand& command) {
  WEFT_CHECK(state_ == State::open, "commands are submitted to an open connection");
  HostRequest& request = home_.requests.take(*this, command);
  const auto tag = tags_.take(request);
  WEFT_CHECK(tag.has_value(), "a queue has fewer entries than there are tags");
  request.cid = *tag;
  active_.push_back(request);
  command.sqe.cid = request.cid;
  send_capsule(request);
}

void HostConnection::send_capsule(HostRequest& request) {
  wire::Sqe& sqe = request.command.sqe;
  const bool outgoing = request.command.direction() == wire::DataDirection::host_to_controller;
  const std::uint32_t most =
      sqe.opcode == wire::kFabricsOpcode ? wire::tcp::kFabricsInCapsuleMax : in_capsule_bytes_;
  const bool in_capsule = outgoing && request.total != 0 && request.total <= most;
  if (in_capsule) {
    wire::set_in_capsule(sqe, request.total);
    request.sent = request.granted = request.total;
  } else {
    wire::set_transport(sqe, request.total);
  }
  if (!outgoing) request.into = Scatter(request.command.data);
  auto& out = request.capsule;
  const auto& agreed = reader_.agreed;
  out.pdu.ch = wire::tcp::make_header(PduType::capsule_cmd, 0, agreed.hdgst, agreed.ddgst, cpda_,
                                      in_capsule ? request.total : 0);
  out.pdu.sqe = sqe;
  home_.counters.count_out(PduType::capsule_cmd);
  send_pdu(request, out.seal(agreed.hdgst), out.pdu.ch.pdo,
           in_capsule ? request.command.data : std::span<const iovec>());
}

// The next H2CData of what an R2T has asked for, once the one before has left.
void HostConnection::send_granted(HostRequest& request) {
  if (request.parts != 0 || request.sent == request.granted || state_ != State::open) return;
  const std::uint32_t bytes = std::min(request.granted - request.sent, max_h2c_data_);
  const std::span<const iovec> data = slice_of(request, bytes);
  const bool last = request.sent + bytes == request.granted;
  auto& out = request.h2c_data;
  const auto& agreed = reader_.agreed;
  out.pdu = {};
  out.pdu.ch = wire::tcp::make_header(PduType::h2c_data, last ? wire::tcp::kLastPdu : 0, agreed.hdgst,
                                      agreed.ddgst, cpda_, bytes);
  out.pdu.cccid = request.cid;
  out.pdu.ttag = request.ttag;
  out.pdu.datao = request.sent;
  out.pdu.datal = bytes;
  request.sent += bytes;
  home_.counters.count_out(PduType::h2c_data);
  send_pdu(request, out.seal(agreed.hdgst), out.pdu.ch.pdo, data);
}

// The pieces of the command's data from `sent` on.
std::span<const iovec> HostConnection::slice_of(HostRequest& request, std::uint32_t bytes) {
  if (bytes == request.total) return request.command.data;
  slice_pieces(request.command.data, request.sent, bytes, request.slice);
  return request.slice;
}

void HostConnection::send_pdu(HostRequest& request, std::size_t header_bytes, std::uint32_t data_offset,
                              std::span<const iovec> data) {
  PduOut<HostRequest>::Pdu pdu;
  pdu.header = {&request.capsule, header_bytes};  // either member of the union
  if (!data.empty()) {
    pdu.padding = data_offset - header_bytes;
    pdu.data = data;
    if (reader_.agreed.ddgst) {
      request.ddgst = Digest::of(data);
      pdu.rest = {&request.ddgst, sizeof request.ddgst};
    }
  }
  home_.counters.bytes_out.add(header_bytes + pdu.padding + total_bytes(data) + pdu.rest.iov_len);
  request.parts += request.out.send(*stream_, request, &HostConnection::on_part_sent, pdu);
}

// An error ends the stream too, which on_ended() tells.
void HostConnection::on_part_sent(net::SendOp& op, int) noexcept {
  HostRequest& request = PduOut<HostRequest>::owner_of(op);
  HostConnection& self = request.connection;
  // While the connection ends, commands end with it: see end_all().
  if (--request.parts != 0 || self.state_ != State::open) return;
  if (request.answered) return self.end(request, fabric::HostCommand::End::completed);
  self.send_granted(request);
}

// What is still being sent of it refers to its data.
void HostConnection::answer(HostRequest& request, const wire::Cqe& cqe) {
  request.answered = true;
  request.command.cqe = cqe;
  if (request.parts == 0) end(request, fabric::HostCommand::End::completed);
}

void HostConnection::end(HostRequest& request, fabric::HostCommand::End how) {
  using End = fabric::HostCommand::End;
  fabric::HostCommand& command = request.command;
  const bool incomplete = command.direction() == wire::DataDirection::controller_to_host &&
                          command.cqe.decoded_status().ok() && request.received != request.total;
  command.end = how == End::completed && (request.damaged || incomplete) ? End::damaged : how;
  active_.erase(active_.iterator_to(request));
  tags_.give_back(request.cid);
  home_.requests.give_back(request);
  command.done(command);
}

void HostConnection::end_all() {
  while (!active_.empty()) {
    HostRequest& request = active_.front();
    WEFT_CHECK(request.parts == 0, "a closed stream sends nothing");
    WEFT_REACHED("tcp.command_lost");
    end(request, request.answered ? fabric::HostCommand::End::completed : fabric::HostCommand::End::lost);
  }
}

}  // namespace weft::tcp
