// Answers: C2HData with the success flag where that says everything, else C2HData and CapsuleResp, or
// CapsuleResp alone.  All of a command's data is one C2HData PDU: the host has the memory for it.
#include "base/check.h"
#include "base/dice.h"
#include "base/planted.h"
#include "base/reached.h"
#include "transports/tcp/connection.h"
#include "transports/tcp/home.h"

namespace weft::tcp {

using wire::tcp::PduType;

void Connection::complete(fabric::Command& command, const wire::Cqe& cqe) {
  answer(static_cast<TcpCommand&>(command), cqe, nullptr);
}

void Connection::complete(fabric::Command& command, const wire::Cqe& cqe, fabric::DataOut& data) {
  answer(static_cast<TcpCommand&>(command), cqe, &data);
}

void Connection::answer(TcpCommand& command, const wire::Cqe& cqe, fabric::DataOut* data) {
  WEFT_CHECK(!command.answered, "a command is answered once");
  WEFT_CHECK(command.pull == nullptr, "a command is not answered while its data is being pulled");
  command.answered = true;
  command.data_out = data;
  --unanswered_;
  forget_capsule(command);
  if (!is_open()) return drop_answer(command);
  if (planted(Bug::reply_lost) && home_.loop.dice().one_in(50)) return;
  if (planted(Bug::reply_twice) && home_.loop.dice().one_in(50)) answer_again(cqe);
  const bool good = cqe.decoded_status().ok();
  const std::uint64_t bytes = good && data != nullptr ? total_bytes(data->from) : 0;
  PduOut<TcpCommand>::Pdu pdu;
  if (bytes == 0) {
    pdu.header = tail(command, &cqe, nullptr);
  } else {
    WEFT_CHECK(bytes <= command.sqe.dptr.length, "no more data goes to the host than it asked for");
    const bool success_too = cqe.result == 0 && cqe.status == 0;
    pdu = data_header(command, static_cast<std::uint32_t>(bytes), success_too);
    pdu.data = data->from;
    if (!success_too || reader_.agreed.ddgst) pdu.rest = tail(command, success_too ? nullptr : &cqe, data);
  }
  home_.counters.bytes_out.add(pdu.header.iov_len + pdu.padding + bytes + pdu.rest.iov_len);
  command.parts += command.out.send(*stream_, command, &Connection::on_part_sent, pdu);
}

// The connection is ending; the memory is released when the target has returned from complete().
void Connection::drop_answer(TcpCommand& command) {
  if (command.parts != 0) {
    WEFT_REACHED("tcp.answer_before_grant_left");
    return;  // goes when they are sent
  }
  if (command.data_out == nullptr) {
    WEFT_REACHED("tcp.answer_after_end");
    return release(command);
  }
  unreleased_.push_back(command);
  if (state_ == State::closed && !settle_.is_posted()) {
    WEFT_REACHED("tcp.data_after_close");
    home_.loop.post(settle_);
  }
}

PduOut<TcpCommand>::Pdu Connection::data_header(TcpCommand& command, std::uint32_t bytes, bool success_too) {
  auto& head = command.head;
  const auto flags = static_cast<std::uint8_t>(wire::tcp::kLastPdu | (success_too ? wire::tcp::kSuccess : 0));
  head.pdu = {};
  head.pdu.ch = wire::tcp::make_header(PduType::c2h_data, flags, reader_.agreed.hdgst, reader_.agreed.ddgst,
                                       hpda_, bytes);
  head.pdu.cccid = command.sqe.cid;
  head.pdu.datal = bytes;
  home_.counters.count_out(PduType::c2h_data);
  const std::size_t length = head.seal(reader_.agreed.hdgst);
  return {.header = {&head, length}, .padding = head.pdu.ch.pdo - length};
}

// The data digest of `data`, if there is data and a digest was agreed, and a CapsuleResp if there is a `cqe`.
iovec Connection::tail(TcpCommand& command, const wire::Cqe* cqe, const fabric::DataOut* data) {
  auto& out = command.tail;
  const bool digest = data != nullptr && reader_.agreed.ddgst;
  if (digest) out.ddgst = Digest::of(data->from);
  std::size_t bytes = digest ? wire::tcp::kDigestSize : 0;
  if (cqe != nullptr) {
    auto& response = out.response;
    response.pdu.ch =
        wire::tcp::make_header(PduType::capsule_resp, 0, reader_.agreed.hdgst, reader_.agreed.ddgst, 0, 0);
    response.pdu.cqe = *cqe;
    bytes += response.seal(reader_.agreed.hdgst);
    home_.counters.count_out(PduType::capsule_resp);
  }
  return {reinterpret_cast<std::byte*>(&out) + (digest ? 0 : offsetof(TcpCommand::Tail, response)), bytes};
}

void Connection::answer_again(const wire::Cqe& cqe) {
  if (ic_resp_ != nullptr) return;
  Sealed<wire::tcp::CapsuleResp> response{};
  response.pdu.ch =
      wire::tcp::make_header(PduType::capsule_resp, 0, reader_.agreed.hdgst, reader_.agreed.ddgst, 0, 0);
  response.pdu.cqe = cqe;
  const auto bytes = wire::bytes_of(response).first(response.seal(reader_.agreed.hdgst));
  ic_resp_ = std::make_unique<Control>();
  ic_resp_->bytes.assign(bytes.begin(), bytes.end());
  send_control(ic_resp_, PduType::capsule_resp);
}

// What is left of its data in the capsule is skipped.
void Connection::forget_capsule(const TcpCommand& command) {
  if (command_ != &command) return;
  command_ = nullptr;
  sink_ = Sink::none;
  reader_.drop();
  reader_.wake();
}

}  // namespace weft::tcp
