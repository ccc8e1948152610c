// A TCP connection on a reactor.
//
// Receiving: a multishot receive fills buffers of the ring while bytes are wanted as chunks; a large
// receive_into has a receive of its own, straight into the place.  Only one of the two is in flight, so the
// order is the socket's.  While neither is, a poll notices the end of the peer. Sending: one sendmsg in
// flight takes what was queued before it; what is queued meanwhile leaves with the next.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/stream.h"
#include "reactor/core.h"
#include "reactor/recv_buffers.h"
#include "reactor/ring.h"
#include "reactor/socket.h"

namespace weft::reactor {

class SocketStream final : public net::Stream, public Flushable, public RecvBuffers::Starved {
 public:
  // From so many bytes on, a receive straight into the place is worth its two extra operations.
  static constexpr std::size_t kDirectBytes = 16 * 1024;
  static constexpr Duration kFlushTime = std::chrono::seconds(1);

  SocketStream(Reactor& reactor, SocketConnection& connection, net::StreamHandler& handler);
  ~SocketStream() override;

  void send(net::SendOp& op) override;
  void pause() override;
  void resume() override;
  void receive_into(std::span<std::byte> into) override;
  void close(CloseMode mode) override;
  const net::Address& local() const override { return local_; }
  const net::Address& peer() const override { return peer_; }
  Loop& loop() override { return reactor_; }

 private:
  enum class Receive : std::uint8_t { idle, starved, multishot, direct };
  enum class State : std::uint8_t { open, flushing, aborting, closed };

  void flush() override;
  void on_buffers_back() override;
  void pump();  // what may not happen inside the handler's calls
  void schedule_pump() {
    if (!pump_.is_posted()) reactor_.post(pump_);
  }

  // Receiving: stream_receive.cc
  void flush_receive();
  Receive wanted() const;
  void arm_multishot();
  void arm_direct();
  void arm_poll();
  void on_received(int result, std::uint32_t flags);
  void on_received_while_closing(int result);
  void on_received_direct(int result);
  void on_poll(int result, std::uint32_t flags);
  void take(net::Chunk chunk);
  bool deliver(net::Chunk& chunk);  // false: what is left of it must be kept
  void deliver_kept();
  bool has_kept() const { return kept_first_ < kept_.size(); }
  void finish_into();
  void note_end(int error);
  void report_end();

  // Sending and closing: stream_send.cc
  void flush_send();
  void on_sent(int result, std::uint32_t flags);
  void acknowledge(std::size_t bytes);
  void fail_sends(int error);
  void on_flush_time_over();
  void abort();
  void advance_close();
  void finish_close();
  bool in_flight() const {
    return receive_ == Receive::multishot || receive_ == Receive::direct || polling_ || batch_ != nullptr;
  }

  Reactor& reactor_;
  Descriptor socket_;
  FileEntry entry_;  // of the socket
  const net::Address local_;
  const net::Address peer_;
  net::StreamHandler& handler_;
  State state_ = State::open;
  MemberTask<SocketStream, &SocketStream::pump> pump_{*this};

  Receive receive_ = Receive::idle;
  bool cancelling_ = false;  // the multishot receive
  bool polling_ = false;
  bool paused_ = false;
  bool into_wanted_ = false;
  std::span<std::byte> into_;  // what is left of it
  std::optional<int> end_;     // how the peer ended
  bool end_reported_ = false;
  std::vector<net::Chunk> kept_;  // arrived, not given out
  std::size_t kept_first_ = 0;
  MemberCompletion<SocketStream, &SocketStream::on_received> received_{*this};
  MemberCompletion<SocketStream, &SocketStream::on_poll> poll_{*this};

  List<net::SendOp> sends_;      // the kernel has not taken all of them
  std::size_t first_piece_ = 0;  // of the first of them: where to go on
  std::size_t first_offset_ = 0;
  SendBatch* batch_ = nullptr;  // in flight
  int send_error_ = 0;
  bool sending_ended_ = false;
  MemberCompletion<SocketStream, &SocketStream::on_sent> sent_{*this};
  MemberTimer<SocketStream, &SocketStream::on_flush_time_over> flush_time_{*this};
};

}  // namespace weft::reactor
