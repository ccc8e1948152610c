#include "raw_host/raw_connection.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "raw_host/crc32c.h"

namespace weft::raw_host {

namespace tcp = wire::tcp;

namespace {

std::uint16_t local_port(int fd) {
  sockaddr_in6 address{};  // sin_port and sin6_port lie in the same place
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.sin6_port);
}

void check_digest(std::span<const std::byte> of, std::span<const std::byte> digest, std::string_view which,
                  const tcp::CommonHeader& common) {
  if (digest.empty()) return;
  const std::uint32_t sent = *wire::load<wire::le32>(digest);
  const std::uint32_t right = crc32c(of);
  if (sent != right)
    throw Failure(
        fmt::format("{}: the {} digest is {:08X}h and should be {:08X}h", text(common), which, sent, right));
}

}  // namespace

std::string text(const End& end) {
  if (!end.term) return "the connection ended without a word";
  const std::uint16_t fes = end.term->fes;
  return fmt::format("C2HTermReq: {} ({:02X}h), FEI {}, {} bytes repeated",
                     tcp::name(static_cast<tcp::FatalError>(fes)), fes,
                     static_cast<std::uint32_t>(end.term->fei), end.repeated.size());
}

RawConnection::RawConnection(const std::string& address, std::uint16_t port, PduLog& log,
                             const SocketOptions& options)
    : socket_(address, port, options), log_(log), log_number_(log.add_connection(local_port(socket_.fd()))) {}

Draft RawConnection::ic_req(const tcp::InitRequest& request) const {
  tcp::IcReq pdu{};
  pdu.hpda = request.hpda;
  pdu.dgst = static_cast<std::uint8_t>((request.hdgst ? 1 : 0) | (request.ddgst ? 2 : 0));
  pdu.maxr2t = static_cast<std::uint32_t>(request.maxr2t - 1);
  return draft(tcp::PduType::ic_req, pdu, {}, Format{});
}

tcp::InitResponse RawConnection::handshake(const tcp::InitRequest& request) {
  send(ic_req(request));
  const Pdu pdu = receive();
  if (!pdu.is(tcp::PduType::ic_resp)) throw Failure(text(pdu.common()) + ": ICResp was expected");
  const auto answer = pdu.as<tcp::IcResp>();
  const bool hdgst = (answer.dgst & 1) != 0;
  const bool ddgst = (answer.dgst & 2) != 0;
  if (answer.pfv != 0) throw Failure("ICResp: PFV must be 0");
  if (answer.cpda > 31) throw Failure("ICResp: CPDA must be at most 31");
  if (answer.maxh2cdata < 4096 || answer.maxh2cdata % 4 != 0)
    throw Failure("ICResp: MAXH2CDATA must be at least 4096 and a multiple of 4");
  if ((hdgst && !request.hdgst) || (ddgst && !request.ddgst))
    throw Failure("ICResp: a digest is enabled that the host did not ask for");
  to_send = {.hdgst = hdgst, .ddgst = ddgst, .pda = answer.cpda};
  to_receive = {.hdgst = hdgst, .ddgst = ddgst, .pda = request.hpda};
  return {.cpda = answer.cpda, .maxh2cdata = answer.maxh2cdata, .hdgst = hdgst, .ddgst = ddgst};
}

Draft RawConnection::capsule(const wire::Sqe& sqe, std::span<const std::byte> in_capsule) const {
  return draft(tcp::PduType::capsule_cmd, tcp::CapsuleCmd{.ch = {}, .sqe = sqe}, in_capsule, to_send);
}

Draft RawConnection::h2c_data(std::uint16_t cccid, std::uint16_t ttag, std::uint32_t offset,
                              std::span<const std::byte> data, bool last) const {
  tcp::H2cData pdu{};
  pdu.cccid = cccid;
  pdu.ttag = ttag;
  pdu.datao = offset;
  pdu.datal = static_cast<std::uint32_t>(data.size());
  return draft(tcp::PduType::h2c_data, pdu, data, to_send, last ? tcp::kLastPdu : 0);
}

Draft RawConnection::term_req(tcp::FatalError fes, std::uint32_t fei,
                              std::span<const std::byte> repeated) const {
  tcp::TermReq pdu{};
  pdu.fes = static_cast<std::uint16_t>(fes);
  pdu.fei = fei;
  return draft(tcp::PduType::h2c_term_req, pdu, repeated, to_send);
}

void RawConnection::send(const Draft& pdu) {
  log_.add(describe(log_number_, Way::sent, pdu.header));
  socket_.send(pdu.bytes());
}

void RawConnection::send_part(const Draft& pdu, std::size_t bytes) {
  const Bytes all = pdu.bytes();
  socket_.send(std::span(all).first(std::min(bytes, all.size())));
}

void RawConnection::send_bytes(std::span<const std::byte> bytes) {
  socket_.send(bytes);
}

Pdu RawConnection::receive() {
  std::optional<Pdu> pdu = receive_or_end();
  if (!pdu) throw Closed("the controller ended the connection");
  return std::move(*pdu);
}

std::optional<Pdu> RawConnection::receive_or_end() {
  Bytes head(sizeof(tcp::CommonHeader));
  if (!socket_.receive(head)) return std::nullopt;
  const auto common = *wire::load<tcp::CommonHeader>(head);
  const Layout layout = layout_of(common, to_receive);
  Bytes rest(layout.header - head.size() + layout.hdgst + layout.padding + layout.data + layout.ddgst);
  if (!rest.empty() && !socket_.receive(rest))
    throw Closed(text(common) + ": the connection ended after its first 8 bytes");

  Pdu pdu{.header = std::move(head)};
  std::span<const std::byte> left(rest);
  const auto take = [&left](std::size_t bytes) {
    const auto part = left.first(bytes);
    left = left.subspan(bytes);
    return part;
  };
  const auto header = take(layout.header - pdu.header.size());
  pdu.header.insert(pdu.header.end(), header.begin(), header.end());
  check_digest(pdu.header, take(layout.hdgst), "header", common);
  take(layout.padding);
  const auto data = take(layout.data);
  pdu.data.assign(data.begin(), data.end());
  check_digest(pdu.data, take(layout.ddgst), "data", common);
  log_.add(describe(log_number_, Way::received, pdu.header));
  return pdu;
}

End RawConnection::receive_end() {
  End end;
  while (std::optional<Pdu> pdu = receive_or_end()) {
    if (end.term) throw Failure(text(pdu->common()) + ": nothing follows a C2HTermReq");
    if (!pdu->is(tcp::PduType::c2h_term_req)) continue;
    end.term = pdu->as<tcp::TermReq>();
    end.repeated = std::move(pdu->data);
  }
  return end;
}

}  // namespace weft::raw_host
