#include "raw_host/raw_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wire/sgl.h"

namespace weft::raw_host {

namespace tcp = wire::tcp;

namespace {

constexpr std::uint16_t kReservedCid = 0xFFFF;

[[noreturn]] void refuse(const Pdu& pdu, std::uint16_t cid, std::string_view why) {
  throw Failure(fmt::format("{} for command {}: {}", text(pdu.common()), cid, why));
}

}  // namespace

RawQueue::RawQueue(const Options& options, PduLog& log)
    : options_(options),
      connection_(options.address, options.port, log, options.socket),
      agreed_(connection_.handshake(options.init)) {}

std::uint16_t RawQueue::free_cid() {
  while (next_cid_ == kReservedCid || commands_.contains(next_cid_) || completed_.contains(next_cid_))
    ++next_cid_;
  return next_cid_++;
}

std::uint16_t RawQueue::submit(const wire::Sqe& sqe, Transfer transfer) {
  wire::Sqe sent = sqe;
  const std::uint16_t cid = free_cid();
  sent.cid = cid;
  const auto bytes = transfer.out.empty() ? transfer.in : static_cast<std::uint32_t>(transfer.out.size());
  if (!transfer.keep_pointer && transfer.in_capsule) wire::set_in_capsule(sent, bytes);
  if (!transfer.keep_pointer && !transfer.in_capsule) wire::set_transport(sent, bytes);
  const Bytes capsule_data = transfer.in_capsule ? transfer.out : Bytes{};
  commands_[cid].transfer = std::move(transfer);
  connection_.send(connection_.capsule(sent, capsule_data));
  return cid;
}

Completion RawQueue::wait(std::uint16_t cid) {
  while (!completed_.contains(cid)) {
    if (!commands_.contains(cid)) throw Failure(fmt::format("command {} was not sent", cid));
    receive_one();
  }
  return std::move(completed_.extract(cid).mapped());
}

void RawQueue::receive_one() {
  const Pdu pdu = connection_.receive();
  switch (pdu.type()) {
    case tcp::PduType::r2t:
      return take_r2t(pdu);
    case tcp::PduType::c2h_data:
      return take_data(pdu);
    case tcp::PduType::capsule_resp:
      return take_response(pdu);
    case tcp::PduType::c2h_term_req:
      throw Terminated(End{.term = pdu.as<tcp::TermReq>(), .repeated = pdu.data});
    default:
      throw Failure(text(pdu.common()) + ": nothing that a queue expects");
  }
}

bool RawQueue::receive_for(Timeout timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  bool any = false;
  for (;;) {
    const auto left = std::chrono::ceil<Timeout>(end - std::chrono::steady_clock::now());
    if (!connection_.socket().wait_readable(std::max(left, Timeout(0)))) return any;
    receive_one();
    any = true;
  }
}

RawQueue::Commands::iterator RawQueue::find(std::uint16_t cid, const Pdu& pdu) {
  const auto command = commands_.find(cid);
  if (command == commands_.end()) refuse(pdu, cid, "no such command is in flight");
  return command;
}

void RawQueue::take_r2t(const Pdu& pdu) {
  const auto r2t = pdu.as<tcp::R2t>();
  Command& command = find(r2t.cccid, pdu)->second;
  if (command.transfer.out.empty() || command.transfer.in_capsule)
    refuse(pdu, r2t.cccid, "it has no data to be asked for");
  if (r2t.r2tl == 0) refuse(pdu, r2t.cccid, "R2TL is 0");
  if (r2t.r2to != command.granted)
    refuse(pdu, r2t.cccid, fmt::format("R2TO {} should be {}", std::uint32_t{r2t.r2to}, command.granted));
  if (command.granted + r2t.r2tl > command.transfer.out.size())
    refuse(pdu, r2t.cccid, fmt::format("R2TL {} goes beyond the data", std::uint32_t{r2t.r2tl}));
  if (command.outstanding_r2ts >= options_.init.maxr2t) refuse(pdu, r2t.cccid, "more R2Ts than MAXR2T");
  command.granted += r2t.r2tl;
  ++command.outstanding_r2ts;
  ++command.r2ts;
  if (options_.answer_r2ts)
    answer(r2t);
  else
    r2ts_.push_back(r2t);
}

void RawQueue::answer(const tcp::R2t& r2t) {
  const auto command = commands_.find(r2t.cccid);
  if (command == commands_.end()) throw Failure("the command of this R2T has completed");
  const std::span<const std::byte> data =
      std::span<const std::byte>(command->second.transfer.out).subspan(r2t.r2to, r2t.r2tl);
  std::size_t done = 0;
  for (std::size_t i = 0; done < data.size(); ++i) {
    std::size_t size = agreed_.maxh2cdata;
    if (!options_.h2c_sizes.empty())
      size = std::min<std::size_t>(size, options_.h2c_sizes[i % options_.h2c_sizes.size()]);
    if (size == 0) throw Failure("an H2CData PDU carries at least one byte");
    size = std::min(size, data.size() - done);
    const bool last = done + size == data.size();
    connection_.send(connection_.h2c_data(r2t.cccid, r2t.ttag, static_cast<std::uint32_t>(r2t.r2to + done),
                                          data.subspan(done, size), last));
    done += size;
  }
  --command->second.outstanding_r2ts;
}

void RawQueue::take_data(const Pdu& pdu) {
  const auto header = pdu.as<tcp::C2hData>();
  const auto found = find(header.cccid, pdu);
  Command& command = found->second;
  if (header.datal != pdu.data.size()) refuse(pdu, header.cccid, "DATAL is not what the PDU carries");
  if (command.last_data_came) refuse(pdu, header.cccid, "data after the last");
  if (header.datao != command.in.size())
    refuse(pdu, header.cccid,
           fmt::format("DATAO {} should be {}", std::uint32_t{header.datao}, command.in.size()));
  if (command.in.size() + pdu.data.size() > command.transfer.in)
    refuse(pdu, header.cccid, fmt::format("more data than the {} bytes asked for", command.transfer.in));
  command.in.insert(command.in.end(), pdu.data.begin(), pdu.data.end());
  command.last_data_came = pdu.has_flag(tcp::kLastPdu);
  if (!pdu.has_flag(tcp::kSuccess)) return;
  if (!command.last_data_came) refuse(pdu, header.cccid, "SUCCESS on a PDU that is not the last");
  if (!options_.sqflow_disabled) refuse(pdu, header.cccid, "SUCCESS with submission queue flow control");
  wire::Cqe cqe{};
  cqe.cid = header.cccid;
  complete(found, cqe, true);
}

void RawQueue::take_response(const Pdu& pdu) {
  const auto response = pdu.as<tcp::CapsuleResp>();
  const auto found = find(response.cqe.cid, pdu);
  if (!found->second.in.empty() && !found->second.last_data_came)
    refuse(pdu, response.cqe.cid, "its data came without LAST_PDU");
  complete(found, response.cqe, false);
}

void RawQueue::complete(Commands::iterator command, const wire::Cqe& cqe, bool by_success_flag) {
  std::erase_if(r2ts_, [&](const tcp::R2t& r2t) { return r2t.cccid == command->first; });
  completed_[command->first] = {.cqe = cqe,
                                .data = std::move(command->second.in),
                                .by_success_flag = by_success_flag,
                                .r2ts = command->second.r2ts,
                                .order = ++completions_};
  commands_.erase(command);
}

}  // namespace weft::raw_host
