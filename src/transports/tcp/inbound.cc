// What each kind of PDU from the host means.
#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "base/reached.h"
#include "transports/tcp/connection.h"
#include "transports/tcp/home.h"

namespace weft::tcp {

using wire::tcp::FatalError;
using wire::tcp::PduType;

namespace {
constexpr std::uint32_t kExcessCommands = 8;  // beyond twice the queue's entries
}

bool Connection::expects(PduType type) const {
  if (type == PduType::h2c_term_req) return true;
  return (type == PduType::ic_req) == (state_ == State::initialising);
}

bool Connection::on_header() {
  sink_ = Sink::none;
  command_ = nullptr;
  switch (reader_.shape().type) {
    case PduType::ic_req:
      on_ic_req();
      break;
    case PduType::h2c_term_req:
      on_term_req();
      break;
    case PduType::capsule_cmd:
      return deliver_capsule();
    case PduType::h2c_data:
      on_h2c_data();
      break;
    default:
      WEFT_CHECK(false, "check_header lets nothing else of the host pass");
  }
  return true;
}

void Connection::on_data_end(bool damaged) {
  TcpCommand& command = *std::exchange(command_, nullptr);
  command.damaged |= damaged;
  if (std::exchange(sink_, Sink::none) == Sink::capsule) return finish_pull(command);
  end_transfer_data(command);
}

void Connection::on_ic_req() {
  const auto request = wire::tcp::parse_ic_req(reader_.header_as<wire::tcp::IcReq>());
  if (!request) {
    WEFT_REACHED("tcp.icreq_refused");
    return fatal(request.error());
  }
  if (origin_->closed.load(std::memory_order_acquire)) return shut(net::Stream::CloseMode::abort);
  const Options& options = home_.shared.options;
  hpda_ = request->hpda;
  reader_.agreed.hdgst = request->hdgst && options.header_digest;
  reader_.agreed.ddgst = request->ddgst && options.data_digest;
  state_ = State::connecting;
  const wire::tcp::IcResp pdu = wire::tcp::make_ic_resp(
      {.maxh2cdata = options.max_h2c_data, .hdgst = reader_.agreed.hdgst, .ddgst = reader_.agreed.ddgst});
  const auto bytes = wire::bytes_of(pdu);
  ic_resp_ = std::make_unique<Control>();
  ic_resp_->bytes.assign(bytes.begin(), bytes.end());
  send_control(ic_resp_, PduType::ic_resp);
  home_.loop.arm(deadline_, options.connect_time);
  queue_ = &origin_->acceptor.accept(*this);
}

void Connection::on_term_req() {
  WEFT_REACHED("tcp.h2c_term_req");
  const std::uint16_t fes = reader_.header_as<wire::tcp::TermReq>().fes;
  note(fmt::format("the host ended the connection with H2CTermReq: {} ({:#x})",
                   wire::tcp::name(static_cast<FatalError>(fes)), fes));
  shut(net::Stream::CloseMode::abort);
}

std::uint32_t Connection::most_commands() const {
  return 2 * entries_ + kExcessCommands;
}

// The host has exceeded the queue's entries so far that its data may be stuck behind its commands.
bool Connection::overcommitted() const {
  return blocked_by_excess_ && unanswered_ >= most_commands() && tags_.taken() > 0;
}

bool Connection::deliver_capsule() {
  blocked_by_excess_ = held_ >= most_commands();
  if (overcommitted()) {
    WEFT_REACHED("tcp.too_many_commands");
    fatal({FatalError::pdu_sequence_error, 0});
    return true;
  }
  if (blocked_by_excess_) {
    WEFT_REACHED("tcp.commands_beyond_queue");
    return false;
  }
  TcpCommand& command = home_.commands.take(*this);
  ++held_;
  ++unanswered_;
  command.sqe = reader_.header_as<wire::tcp::CapsuleCmd>().sqe;
  command.in_capsule_bytes = reader_.shape().data_size;
  if (command.in_capsule_bytes != 0) {
    sink_ = Sink::capsule;
    command_ = &command;
    reader_.hold();
  }
  queue_->receive(fabric::Reply(*this, command));
  return true;
}

void Connection::on_h2c_data() {
  const auto pdu = reader_.header_as<wire::tcp::H2cData>();
  TcpCommand* command = tags_.find(pdu.ttag);
  if (command == nullptr) {
    WEFT_REACHED("tcp.h2cdata_of_unknown_tag");
    return fatal({FatalError::invalid_header_field, offsetof(wire::tcp::H2cData, ttag)});
  }
  if (pdu.cccid != command->sqe.cid) {
    WEFT_REACHED("tcp.h2cdata_of_other_command");
    return fatal({FatalError::invalid_header_field, offsetof(wire::tcp::H2cData, cccid)});
  }
  if (const auto checked = wire::tcp::check_data(pdu, reader_.shape()); !checked) {
    WEFT_REACHED("tcp.h2cdata_refused");
    return fatal(checked.error());
  }
  if (pdu.datao != command->received || pdu.datal > command->granted - command->received) {
    WEFT_REACHED("tcp.h2cdata_beyond_transfer");
    return fatal({FatalError::data_transfer_out_of_range, 0});
  }
  const bool last = (pdu.ch.flags & wire::tcp::kLastPdu) != 0;
  if (last != (pdu.datal == command->granted - command->received)) {
    WEFT_REACHED("tcp.h2cdata_last_wrong");
    return fatal({FatalError::invalid_header_field, offsetof(wire::tcp::CommonHeader, flags)});
  }
  sink_ = Sink::transfer;
  command_ = command;
  reader_.fill(command->into, 0);
}

}  // namespace weft::tcp
