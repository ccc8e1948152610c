// The host's end of one NVMe/TCP connection (NVMe TCP Transport 1.1).  All of it belongs to its loop.
//
//   host_connection.cc  life: from connect(2) and ICReq to the end
//   host_inbound.cc     what each kind of PDU from the controller means
//   host_requests.cc    capsules, H2CData, and how commands end
//
// Nothing that a controller sends is trusted: a PDU that fits no command, or more data than was asked for,
// ends the connection with H2CTermReq.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/tag_table.h"
#include "fabric/initiator.h"
#include "net/stream.h"
#include "transports/tcp/host_home.h"
#include "transports/tcp/pdu_reader.h"

namespace weft::tcp {

class HostConnection final : public fabric::HostConnection,
                             public net::StreamHandler,
                             private PduReader::Owner {
 public:
  HostConnection(HostHome& home, const net::Address& address, const fabric::ConnectOptions& options,
                 fabric::HostConnectionOwner& owner);
  ~HostConnection() override;

  void submit(fabric::HostCommand& command) override;
  void set_in_capsule_bytes(std::uint32_t bytes) override { in_capsule_bytes_ = bytes; }
  void close() override;

  void on_connected(std::unique_ptr<net::Accepted> accepted, int error);

  void on_received(net::Chunk chunk) override;
  void on_received_into() override;
  void on_ended(int error) override;
  void on_closed() override;

 private:
  enum class State : std::uint8_t {
    connecting,
    initialising,  // ICReq was sent
    open,
    ended,    // the owner knows, and is to call close()
    closing,  // until on_closed()
    closed,
  };
  // ICReq or H2CTermReq on its way.
  struct Control : net::SendOp {
    std::vector<std::byte> bytes;
    iovec piece{};
  };

  // host_connection.cc
  void fail(int code, std::string_view what);
  void on_deadline();
  void finish();
  void send_control(Control& control, std::span<const std::byte> pdu, std::span<const std::byte> more);

  // host_inbound.cc
  bool is_reading() const override { return state_ == State::initialising || state_ == State::open; }
  bool expects(wire::tcp::PduType type) const override;
  bool on_header() override;
  void on_data_end(bool damaged) override;
  void on_violation(wire::tcp::Violation violation) override;
  void on_ic_resp();
  void on_term_req();
  void on_capsule_resp();
  void on_c2h_data();
  void on_r2t();

  // host_requests.cc
  void send_capsule(HostRequest& request);
  void send_granted(HostRequest& request);
  std::span<const iovec> slice_of(HostRequest& request, std::uint32_t bytes);
  void send_pdu(HostRequest& request, std::size_t header_bytes, std::uint32_t data_offset,
                std::span<const iovec> data);
  static void on_part_sent(net::SendOp& op, int error) noexcept;
  void answer(HostRequest& request, const wire::Cqe& cqe);
  void end(HostRequest& request, fabric::HostCommand::End how);
  void end_all();

  HostHome& home_;
  fabric::HostConnectionOwner& owner_;
  const fabric::ConnectOptions options_;
  const std::string name_;  // "tcp 10.0.0.5:4420", for messages
  std::unique_ptr<net::Stream> stream_;
  Attempt* attempt_ = nullptr;  // while connecting
  State state_ = State::connecting;
  bool flushes_ = true;  // when it is closed
  PduReader reader_;
  std::uint8_t cpda_ = 0;
  std::uint32_t max_h2c_data_ = wire::tcp::kMinMaxH2cData;
  std::uint32_t in_capsule_bytes_ = wire::tcp::kFabricsInCapsuleMax;

  TagTable<HostRequest> tags_;
  List<HostRequest> active_;
  HostRequest* receiving_ = nullptr;  // whose data the current PDU carries
  bool success_too_ = false;          // that PDU stands for the completion too

  Control ic_req_;
  Control term_req_;
  MemberTimer<HostConnection, &HostConnection::on_deadline> deadline_{*this};
  MemberTask<HostConnection, &HostConnection::finish> finish_{*this};
};

}  // namespace weft::tcp
