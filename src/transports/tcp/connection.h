// One NVMe/TCP connection: a queue pair (NVMe TCP Transport 1.1).  All of it belongs to the loop of its
// stream.
//
//   connection.cc  life: from the accepted stream to the end, time limits, how it stops
//   inbound.cc     what each kind of PDU from the host means
//   pull.cc        data from the host: in the capsule, or granted by R2T
//   answer.cc      C2HData and CapsuleResp
//
// Flow control.  The transport buffers no data: a capsule's data stays unread, and with it everything behind
// it, until the queue has pulled it or answered the command.  More commands than the queue's entries are
// handed on, up to twice as many and a few more; then the connection is not read until answers have left.
// Should data that was granted by R2T be stuck behind the excess commands, the host has broken its limits and
// the connection ends. A command counts until its answer was taken by the kernel, so a host that reads
// nothing cannot pile up answers. Input of one turn of the loop is limited, so that a busy connection leaves
// room for its neighbours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/tag_table.h"
#include "fabric/fabric.h"
#include "net/stream.h"
#include "transports/tcp/command.h"
#include "transports/tcp/pdu_reader.h"
#include "wire/tcp_pdu.h"

namespace weft::tcp {

struct Home;
struct Origin;

class Connection final : public fabric::Connection,
                         public net::StreamHandler,
                         public ListHook<>,
                         private PduReader::Owner {
 public:
  // Takes a connection into the loop of `home`, which was acquired for it.  It destroys itself, and releases
  // the loop, when it has ended and its queue has retired.
  static void start(Home& home, std::shared_ptr<Origin> origin, std::unique_ptr<net::Accepted> accepted);

  Loop& loop() override;
  const fabric::Path& path() const override { return path_; }
  wire::SglSupport sgl_support() const override { return wire::SglSupport::transport; }
  void established(const fabric::QueueLimits& limits) override;
  void pull(fabric::Command& command, fabric::Pull& pull) override;
  void complete(fabric::Command& command, const wire::Cqe& cqe) override;
  void complete(fabric::Command& command, const wire::Cqe& cqe, fabric::DataOut& data) override;
  void abandon(fabric::Command& command) override;
  void close(fabric::CloseReason reason) override;
  void retire() override;

  // The listener is going: ends the connection unless it already has a queue.
  void forget_acceptor(const Origin& origin);

  void on_received(net::Chunk chunk) override;
  void on_received_into() override;
  void on_ended(int error) override;
  void on_closed() override;

 private:
  enum class State : std::uint8_t {
    initialising,  // until ICReq
    connecting,    // until established()
    established,
    terminating,  // C2HTermReq was sent; the host is to close
    closing,      // until on_closed()
    closed,       // until retire()
  };
  enum class Sink : std::uint8_t { none, capsule, transfer };  // where the data of this PDU goes
  // ICResp or C2HTermReq on its way.
  struct Control : net::SendOp {
    std::unique_ptr<Control>* owner = nullptr;
    std::vector<std::byte> bytes;
    iovec piece{};
  };

  Connection(Home& home, std::shared_ptr<Origin> origin, const net::Accepted& accepted);
  ~Connection();

  // connection.cc
  static void leave(Home& home, Origin& origin);
  bool is_open() const { return state_ < State::terminating; }
  void shut(net::Stream::CloseMode mode);
  void fatal(wire::tcp::Violation violation);
  void note(std::string_view what);
  void on_deadline();
  void end_transfers();
  void settle();
  void destroy();
  void send_control(std::unique_ptr<Control>& slot, wire::tcp::PduType type);
  static void on_control_sent(net::SendOp& op, int error) noexcept;
  static void on_part_sent(net::SendOp& op, int error) noexcept;
  void release(TcpCommand& command);

  // inbound.cc
  bool is_reading() const override { return is_open(); }
  bool expects(wire::tcp::PduType type) const override;
  bool on_header() override;
  void on_data_end(bool damaged) override;
  void on_violation(wire::tcp::Violation violation) override { fatal(violation); }
  void on_ic_req();
  void on_term_req();
  bool deliver_capsule();
  void on_h2c_data();
  std::uint32_t most_commands() const;
  bool overcommitted() const;

  // pull.cc
  void pull_capsule(TcpCommand& command);
  void grant(TcpCommand& command);
  void grant_waiting();
  void end_transfer_data(TcpCommand& command);
  void finish_pull(TcpCommand& command);
  void end_pull(TcpCommand& command, fabric::Pull::Outcome outcome);

  // answer.cc
  void answer(TcpCommand& command, const wire::Cqe& cqe, fabric::DataOut* data);
  PduOut<TcpCommand>::Pdu data_header(TcpCommand& command, std::uint32_t bytes, bool success_too);
  iovec tail(TcpCommand& command, const wire::Cqe* cqe, const fabric::DataOut* data);
  void drop_answer(TcpCommand& command);
  void forget_capsule(const TcpCommand& command);
  void answer_again(const wire::Cqe& cqe);  // a planted mistake

  Home& home_;
  const std::shared_ptr<Origin> origin_;
  std::unique_ptr<net::Stream> stream_;
  fabric::Queue* queue_ = nullptr;  // from ICReq until disconnected
  fabric::Path path_;
  State state_ = State::initialising;

  PduReader reader_;
  std::uint8_t hpda_ = 0;
  std::uint32_t entries_ = 32;      // what Connect said
  bool blocked_by_excess_ = false;  // of commands
  Sink sink_ = Sink::none;
  TcpCommand* command_ = nullptr;  // whose data this PDU carries; see sink_

  // Commands.
  TagTable<TcpCommand> tags_;
  List<TcpCommand> pulling_;     // granted by R2T, or the capsule whose data is being taken
  List<TcpCommand> waiting_;     // to be granted: no tag was free
  List<TcpCommand> unreleased_;  // answered too late; their data-outs are still to be released
  std::uint32_t held_ = 0;       // commands that are not gone yet
  std::uint32_t unanswered_ = 0;

  std::unique_ptr<Control> ic_resp_;
  std::unique_ptr<Control> term_req_;
  MemberTimer<Connection, &Connection::on_deadline> deadline_{*this};
  MemberTask<Connection, &Connection::settle> settle_{*this};
  MemberTask<Connection, &Connection::destroy> destroy_{*this};
};

}  // namespace weft::tcp
