#include "raw_host/scripted_peer.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <utility>

namespace weft::raw_host {

namespace tcp = wire::tcp;

bool PeerConnection::receive(Pdu& pdu) {
  pdu = {.header = Bytes(sizeof(tcp::CommonHeader))};
  if (!socket_.receive(pdu.header)) return false;
  const auto common = pdu.common();
  const auto shape =
      tcp::check_header(common, {.hdgst = format.hdgst, .ddgst = format.ddgst, .pda = format.pda},
                        tcp::Direction::host_to_controller);
  if (!shape) throw Failure(text(common) + ": refused by the target's parser");
  Bytes rest(shape->size - pdu.header.size());
  if (!rest.empty() && !socket_.receive(rest)) throw Closed("inside a PDU");
  const auto header_rest = std::span(rest).first(shape->header_size - pdu.header.size());
  pdu.header.insert(pdu.header.end(), header_rest.begin(), header_rest.end());
  if (shape->data_size > 0) {
    const auto data =
        std::span(rest).subspan(shape->data_offset - sizeof(tcp::CommonHeader), shape->data_size);
    pdu.data.assign(data.begin(), data.end());
  }
  return true;
}

void PeerConnection::accept_init(std::uint32_t maxh2cdata) {
  Pdu pdu;
  if (!receive(pdu)) throw Closed("before ICReq");
  const auto request = tcp::parse_ic_req(pdu.as<tcp::IcReq>());
  if (!request) throw Failure("ICReq is refused by the target's parser");
  const tcp::InitResponse answer{
      .cpda = format.pda, .maxh2cdata = maxh2cdata, .hdgst = request->hdgst, .ddgst = request->ddgst};
  socket_.send(wire::bytes_of(tcp::make_ic_resp(answer)));
  format.hdgst = request->hdgst;
  format.ddgst = request->ddgst;
  host_pda = request->hpda;
}

wire::Sqe PeerConnection::receive_command(Bytes* data) {
  Pdu pdu;
  if (!receive(pdu)) throw Closed("where a command was expected");
  if (!pdu.is(tcp::PduType::capsule_cmd)) throw Failure(text(pdu.common()) + ": CapsuleCmd was expected");
  if (data != nullptr) *data = pdu.data;
  return pdu.as<tcp::CapsuleCmd>().sqe;
}

void PeerConnection::respond(std::uint16_t cid, std::uint64_t result, wire::Status status) {
  tcp::CapsuleResp pdu{};
  pdu.cqe.cid = cid;
  pdu.cqe.result = result;
  pdu.cqe.status = status.encode();
  send(draft(tcp::PduType::capsule_resp, pdu, {}, sending()));
}

void PeerConnection::ask(std::uint16_t cid, std::uint16_t ttag, std::uint32_t offset, std::uint32_t length) {
  tcp::R2t pdu{};
  pdu.cccid = cid;
  pdu.ttag = ttag;
  pdu.r2to = offset;
  pdu.r2tl = length;
  send(draft(tcp::PduType::r2t, pdu, {}, sending()));
}

Draft PeerConnection::data(std::uint16_t cid, std::uint32_t offset, std::span<const std::byte> bytes,
                           std::uint8_t flags) const {
  tcp::C2hData pdu{};
  pdu.cccid = cid;
  pdu.datao = offset;
  pdu.datal = static_cast<std::uint32_t>(bytes.size());
  return draft(tcp::PduType::c2h_data, pdu, bytes, sending(), flags);
}

Draft PeerConnection::term(tcp::FatalError fes, std::uint32_t fei,
                           std::span<const std::byte> repeated) const {
  tcp::TermReq pdu{};
  pdu.fes = static_cast<std::uint16_t>(fes);
  pdu.fei = fei;
  return draft(tcp::PduType::c2h_term_req, pdu, repeated, sending());
}

ScriptedPeer::ScriptedPeer(Script script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, generic, &length) != 0)
    throw Failure("the test cannot listen on 127.0.0.1");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { run(); });
}

ScriptedPeer::~ScriptedPeer() {
  ::shutdown(listener_, SHUT_RDWR);  // ends accept()
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
}

void ScriptedPeer::run() {
  for (int fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    connections_.emplace_back([this, fd] {
      PeerConnection connection(Socket::adopt(fd));
      try {
        script_(connection);
      } catch (const std::exception& error) {
        ADD_FAILURE() << "the script: " << error.what();
      }
    });
  }
}

}  // namespace weft::raw_host
