// Data from the host: out of the capsule, or granted by one R2T for the whole of the command's data.  The
// memory is there when the target pulls, so there is nothing to gain from several R2Ts, and any MAXR2T allows
// one.
#include "base/check.h"
#include "base/planted.h"
#include "base/reached.h"
#include "transports/tcp/connection.h"
#include "transports/tcp/home.h"

namespace weft::tcp {

using wire::tcp::PduType;

void Connection::pull(fabric::Command& base, fabric::Pull& pull) {
  auto& command = static_cast<TcpCommand&>(base);
  WEFT_CHECK(!command.pulled && !command.answered, "a command's data is pulled once, before its answer");
  WEFT_CHECK(total_bytes(pull.into) <= command.sqe.dptr.length, "no more is pulled than the command has");
  command.pulled = true;
  command.pull = &pull;
  command.into = Scatter(pull.into);
  if (!is_open()) {
    WEFT_REACHED("tcp.pull_after_end");
    pulling_.push_back(command);
    if (state_ == State::closed && !settle_.is_posted()) home_.loop.post(settle_);
    return;
  }
  if (command.sqe.dptr.type == wire::kSglInCapsule) return pull_capsule(command);
  forget_capsule(command);
  grant(command);
}

void Connection::pull_capsule(TcpCommand& command) {
  const wire::SglDescriptor& sgl = command.sqe.dptr;
  WEFT_CHECK(sink_ == Sink::capsule && command_ == &command && sgl.length <= command.in_capsule_bytes &&
                 sgl.address <= command.in_capsule_bytes - sgl.length,
             "the data is in the capsule");
  pulling_.push_back(command);
  reader_.fill(command.into, static_cast<std::uint32_t>(sgl.address));
  reader_.wake();
}

void Connection::grant(TcpCommand& command) {
  WEFT_CHECK(command.sqe.dptr.length != 0, "only a command with data is pulled");
  const auto tag = tags_.take(command);
  if (!tag) {
    WEFT_REACHED("tcp.no_tag_left");
    waiting_.push_back(command);
    return;
  }
  pulling_.push_back(command);
  command.tag = *tag;
  command.granted = command.sqe.dptr.length;
  TcpCommand::Grant& grant = command.grant.emplace();
  auto& out = grant.pdu;
  out.pdu = {};
  out.pdu.ch = wire::tcp::make_header(PduType::r2t, 0, reader_.agreed.hdgst, reader_.agreed.ddgst, 0, 0);
  out.pdu.cccid = command.sqe.cid;
  out.pdu.ttag = command.tag;
  out.pdu.r2tl = command.granted;
  grant.piece = {&out, out.seal(reader_.agreed.hdgst)};
  home_.counters.count_out(PduType::r2t);
  home_.counters.bytes_out.add(grant.piece.iov_len);
  ++command.parts;
  PduOut<TcpCommand>::start(*stream_, grant.part, command, &Connection::on_part_sent, {&grant.piece, 1});
  if (reader_.is_blocked() && overcommitted()) {
    WEFT_REACHED("tcp.too_many_commands_for_data");
    fatal({wire::tcp::FatalError::pdu_sequence_error, 0});
  }
}

void Connection::grant_waiting() {
  if (waiting_.empty() || !is_open()) return;
  TcpCommand& command = waiting_.front();
  waiting_.pop_front();
  grant(command);
}

void Connection::end_transfer_data(TcpCommand& command) {
  command.received += reader_.shape().data_size;
  if (command.received < command.granted && !planted(Bug::short_transfer)) return;
  tags_.give_back(command.tag);
  finish_pull(command);
  grant_waiting();
}

void Connection::finish_pull(TcpCommand& command) {
  pulling_.erase(pulling_.iterator_to(command));
  end_pull(command, command.damaged ? fabric::Pull::Outcome::digest_error : fabric::Pull::Outcome::ok);
}

void Connection::end_pull(TcpCommand& command, fabric::Pull::Outcome outcome) {
  fabric::Pull& pull = *command.pull;
  command.pull = nullptr;
  pull.done(pull, outcome);
}

}  // namespace weft::tcp
