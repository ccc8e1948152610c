// One NVMe/TCP connection: sends PDUs, right or wrong, or any bytes; receives PDUs and checks each in full.
// It knows nothing of commands.  For one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "raw_host/pdu.h"
#include "raw_host/pdu_log.h"
#include "raw_host/socket.h"
#include "wire/sqe.h"
#include "wire/tcp_pdu.h"

namespace weft::raw_host {

// How a connection ended.
struct End {
  std::optional<wire::tcp::TermReq> term;  // what the controller said before, if it did
  Bytes repeated;                          // and the header that it complained about

  bool is(wire::tcp::FatalError fes) const { return term && term->fes == static_cast<std::uint16_t>(fes); }
  bool is(wire::tcp::FatalError fes, std::uint32_t fei) const {
    return term && term->fes == static_cast<std::uint16_t>(fes) && term->fei == fei;
  }
};
std::string text(const End& end);

class RawConnection {
 public:
  // Connects; no PDU is sent.  The log outlives this.
  RawConnection(const std::string& address, std::uint16_t port, PduLog& log,
                const SocketOptions& options = {});

  // ICReq and ICResp; from then on the PDUs are as agreed.  Throws Failure when the answer is none that a
  // host may accept.
  wire::tcp::InitResponse handshake(const wire::tcp::InitRequest& request = {});

  // Of PDUs that are to be sent, and that come.  For a host that does not keep to what was agreed, assign.
  Format to_send;
  Format to_receive;

  Draft capsule(const wire::Sqe& sqe, std::span<const std::byte> in_capsule = {}) const;
  Draft h2c_data(std::uint16_t cccid, std::uint16_t ttag, std::uint32_t offset,
                 std::span<const std::byte> data, bool last) const;
  Draft ic_req(const wire::tcp::InitRequest& request) const;
  Draft term_req(wire::tcp::FatalError fes, std::uint32_t fei,
                 std::span<const std::byte> repeated = {}) const;

  void send(const Draft& pdu);  // and logs it
  // Of the first `bytes` only, as a host that dies; logs nothing.
  void send_part(const Draft& pdu, std::size_t bytes);
  void send_bytes(std::span<const std::byte> bytes);  // logs nothing

  // The next PDU.  Throws Closed at the connection's end, and Failure for one that breaks a rule.
  Pdu receive();
  std::optional<Pdu> receive_or_end();
  // The controller is to end the connection: takes PDUs until it did.  Throws TimedOut when it does not.
  End receive_end();

  Socket& socket() { return socket_; }
  std::size_t log_number() const { return log_number_; }

 private:
  Socket socket_;
  PduLog& log_;
  std::size_t log_number_;
};

}  // namespace weft::raw_host
