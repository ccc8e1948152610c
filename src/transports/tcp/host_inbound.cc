// What each kind of PDU from the controller means.
#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/reached.h"
#include "transports/tcp/host_connection.h"

namespace weft::tcp {

using wire::tcp::FatalError;
using wire::tcp::PduType;

bool HostConnection::expects(PduType type) const {
  if (type == PduType::c2h_term_req) return true;
  return (type == PduType::ic_resp) == (state_ == State::initialising);
}

bool HostConnection::on_header() {
  receiving_ = nullptr;
  switch (reader_.shape().type) {
    case PduType::ic_resp:
      on_ic_resp();
      break;
    case PduType::c2h_term_req:
      on_term_req();
      break;
    case PduType::capsule_resp:
      on_capsule_resp();
      break;
    case PduType::c2h_data:
      on_c2h_data();
      break;
    case PduType::r2t:
      on_r2t();
      break;
    default:
      WEFT_CHECK(false, "check_header lets nothing else of a controller pass");
  }
  return true;
}

void HostConnection::on_violation(wire::tcp::Violation violation) {
  WEFT_REACHED("tcp.violation_of_target");
  home_.counters.fatal_errors.add(1);
  const auto repeated = reader_.header_so_far();
  const wire::tcp::TermReq pdu =
      wire::tcp::make_term_req(PduType::h2c_term_req, violation, static_cast<std::uint32_t>(repeated.size()));
  home_.counters.count_out(PduType::h2c_term_req);
  send_control(term_req_, wire::bytes_of(pdu), repeated);
  fail(EPROTO, fmt::format("{} in a {} PDU from the target, FEI {:#x}", wire::tcp::name(violation.fes),
                           wire::tcp::name(reader_.type()), violation.fei));
}

void HostConnection::on_ic_resp() {
  const auto response = wire::tcp::parse_ic_resp(reader_.header_as<wire::tcp::IcResp>());
  if (!response) {
    WEFT_REACHED("tcp.icresp_refused");
    return on_violation(response.error());
  }
  // One that was not asked for would make the receiver of the next PDU look for what nobody agreed to.
  if ((response->hdgst && !options_.header_digest) || (response->ddgst && !options_.data_digest)) {
    WEFT_REACHED("tcp.digest_not_asked_for");
    return on_violation({FatalError::invalid_header_field, offsetof(wire::tcp::IcResp, dgst)});
  }
  if (response->hdgst != options_.header_digest) {
    WEFT_REACHED("tcp.no_header_digest");
    return fail(EPROTO, "the target grants no header digest");
  }
  if (response->ddgst != options_.data_digest) {
    WEFT_REACHED("tcp.no_data_digest");
    return fail(EPROTO, "the target grants no data digest");
  }
  reader_.agreed.hdgst = response->hdgst;
  reader_.agreed.ddgst = response->ddgst;
  cpda_ = response->cpda;
  max_h2c_data_ = response->maxh2cdata;
  state_ = State::open;
  home_.loop.cancel(deadline_);
  owner_.on_ready();
}

void HostConnection::on_term_req() {
  WEFT_REACHED("tcp.c2h_term_req");
  const std::uint16_t fes = reader_.header_as<wire::tcp::TermReq>().fes;
  fail(EPROTO, fmt::format("the target ended the connection with C2HTermReq: {} ({:#x})",
                           wire::tcp::name(static_cast<FatalError>(fes)), fes));
}

void HostConnection::on_capsule_resp() {
  const wire::Cqe cqe = reader_.header_as<wire::tcp::CapsuleResp>().cqe;
  HostRequest* const request = tags_.find(cqe.cid);
  if (request == nullptr || request->answered) {
    WEFT_REACHED("tcp.response_of_unknown_command");
    return on_violation(
        {FatalError::invalid_header_field, offsetof(wire::tcp::CapsuleResp, cqe) + offsetof(wire::Cqe, cid)});
  }
  answer(*request, cqe);
}

void HostConnection::on_c2h_data() {
  const auto pdu = reader_.header_as<wire::tcp::C2hData>();
  HostRequest* const request = tags_.find(pdu.cccid);
  if (request == nullptr || request->answered ||
      request->command.direction() != wire::DataDirection::controller_to_host) {
    WEFT_REACHED("tcp.c2hdata_of_unknown_command");
    return on_violation({FatalError::invalid_header_field, offsetof(wire::tcp::C2hData, cccid)});
  }
  if (const auto checked = wire::tcp::check_data(pdu, reader_.shape()); !checked) {
    WEFT_REACHED("tcp.c2hdata_refused");
    return on_violation(checked.error());
  }
  if (pdu.datao != request->received || pdu.datal > request->total - request->received) {
    WEFT_REACHED("tcp.c2hdata_beyond_transfer");
    return on_violation({FatalError::data_transfer_out_of_range, 0});
  }
  success_too_ = (pdu.ch.flags & wire::tcp::kSuccess) != 0;
  if (success_too_ && (pdu.ch.flags & wire::tcp::kLastPdu) == 0) {
    WEFT_REACHED("tcp.success_before_last");
    return on_violation({FatalError::invalid_header_field, offsetof(wire::tcp::CommonHeader, flags)});
  }
  receiving_ = request;
  reader_.fill(request->into, 0);
}

void HostConnection::on_data_end(bool damaged) {
  HostRequest& request = *std::exchange(receiving_, nullptr);
  request.damaged = request.damaged || damaged;
  request.received += reader_.shape().data_size;
  if (!success_too_) return;
  wire::Cqe cqe{};
  cqe.cid = request.cid;
  answer(request, cqe);
}

void HostConnection::on_r2t() {
  const auto pdu = reader_.header_as<wire::tcp::R2t>();
  HostRequest* const request = tags_.find(pdu.cccid);
  if (request == nullptr || request->answered ||
      request->command.direction() != wire::DataDirection::host_to_controller) {
    WEFT_REACHED("tcp.r2t_of_unknown_command");
    return on_violation({FatalError::invalid_header_field, offsetof(wire::tcp::R2t, cccid)});
  }
  // One may be outstanding, as ICReq said.
  if (request->sent < request->granted) {
    WEFT_REACHED("tcp.r2t_before_last_was_sent");
    return on_violation({FatalError::limit_exceeded, 0});
  }
  if (pdu.r2to != request->granted || pdu.r2tl == 0 || pdu.r2tl > request->total - request->granted) {
    WEFT_REACHED("tcp.r2t_beyond_transfer");
    return on_violation({FatalError::data_transfer_out_of_range, 0});
  }
  request->granted += pdu.r2tl;
  request->ttag = pdu.ttag;
  send_granted(*request);
}

}  // namespace weft::tcp
