#include "transports/tcp/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/reached.h"
#include "transports/tcp/home.h"

namespace weft::tcp {

namespace {

fabric::Path path_of(const net::Accepted& accepted) {
  const net::Address& local = accepted.local();
  fabric::Path path;
  path.trtype = wire::TransportType::tcp;
  path.adrfam =
      local.family == net::Address::Family::ipv4 ? wire::AddressFamily::ipv4 : wire::AddressFamily::ipv6;
  path.traddr = local.host_text();
  path.trsvcid = fmt::to_string(local.port);
  path.peer = accepted.peer().text();
  return path;
}

}  // namespace

// A connection has ended, or never began.
void Connection::leave(Home& home, Origin& origin) {
  origin.connections.fetch_sub(1, std::memory_order_relaxed);
  home.shared.loops.release(home.loop);
  home.shared.connections.fetch_sub(1, std::memory_order_release);  // the transport may be gone now
}

void Connection::start(Home& home, std::shared_ptr<Origin> origin, std::unique_ptr<net::Accepted> accepted) {
  if (origin->closed.load(std::memory_order_acquire)) {
    WEFT_REACHED("tcp.listener_gone_before_start");
    return leave(home, *origin);
  }
  auto* self = new Connection(home, std::move(origin), *accepted);  // owned by itself; see destroy()
  self->stream_ = home.network.adopt(std::move(accepted), *self);
  self->reader_.start(*self->stream_);
  home.loop.arm(self->deadline_, home.shared.options.icreq_time);
}

Connection::Connection(Home& home, std::shared_ptr<Origin> origin, const net::Accepted& accepted)
    : home_(home),
      origin_(std::move(origin)),
      path_(path_of(accepted)),
      reader_(*this, home.loop, home.counters, home.shared.options.turn,
              wire::tcp::Direction::host_to_controller) {
  reader_.agreed.max_data = home.shared.options.max_h2c_data;
  home_.connections.push_back(*this);
}

Connection::~Connection() {
  WEFT_CHECK(held_ == 0, "commands do not outlive their connection");
}

void Connection::on_received(net::Chunk chunk) {
  reader_.received(std::move(chunk));
}

void Connection::on_received_into() {
  reader_.received_into();
}

Loop& Connection::loop() {
  return home_.loop;
}

void Connection::established(const fabric::QueueLimits& limits) {
  if (state_ != State::connecting) {
    WEFT_REACHED("tcp.established_too_late");
    return;
  }
  state_ = State::established;
  home_.loop.cancel(deadline_);
  entries_ = limits.entries;
  // Fabrics commands may carry this much on every queue.
  reader_.agreed.max_in_capsule = std::max(limits.in_capsule_bytes, wire::tcp::kFabricsInCapsuleMax);
}

void Connection::note(std::string_view what) {
  if (Journal* journal = home_.shared.options.journal) journal->note(path_, what);
}

void Connection::on_deadline() {
  if (state_ != State::terminating) {
    WEFT_REACHED("tcp.host_too_slow");
    home_.counters.timeouts.add(1);
    note(state_ == State::initialising ? "the host sent no ICReq in time"
                                       : "the host did not connect in time");
  }
  shut(net::Stream::CloseMode::abort);
}

void Connection::forget_acceptor(const Origin& origin) {
  if (origin_.get() == &origin && queue_ == nullptr) {
    WEFT_REACHED("tcp.listener_gone_before_queue");
    shut(net::Stream::CloseMode::abort);
  }
}

void Connection::close(fabric::CloseReason) {
  shut(net::Stream::CloseMode::flushing);
}

void Connection::shut(net::Stream::CloseMode mode) {
  if (state_ >= State::closing) return;
  state_ = State::closing;
  home_.loop.cancel(deadline_);
  reader_.stop();
  stream_->close(mode);
}

// Tells the host what it did wrong and waits a moment for it to close, reading on so that the message is not
// lost to a reset.
void Connection::fatal(wire::tcp::Violation violation) {
  WEFT_CHECK(is_open(), "a connection fails once");
  WEFT_REACHED("tcp.violation");
  home_.counters.fatal_errors.add(1);
  note(fmt::format("ended: {} in a {} PDU from the host, FEI {:#x}", wire::tcp::name(violation.fes),
                   wire::tcp::name(reader_.type()), violation.fei));
  const auto repeated = reader_.header_so_far();
  const wire::tcp::TermReq pdu = wire::tcp::make_term_req(wire::tcp::PduType::c2h_term_req, violation,
                                                          static_cast<std::uint32_t>(repeated.size()));
  state_ = State::terminating;
  term_req_ = std::make_unique<Control>();
  const auto bytes = wire::bytes_of(pdu);
  term_req_->bytes.assign(bytes.begin(), bytes.end());
  term_req_->bytes.insert(term_req_->bytes.end(), repeated.begin(), repeated.end());
  send_control(term_req_, wire::tcp::PduType::c2h_term_req);
  home_.loop.arm(deadline_, home_.shared.options.term_time);
  reader_.look_again();
}

void Connection::on_ended(int error) {
  if (error != 0) {
    WEFT_REACHED("tcp.connection_failed");
    note(fmt::format("the connection failed: {}", errno_text(error)));
  }
  shut(net::Stream::CloseMode::abort);
}

void Connection::on_closed() {
  state_ = State::closed;
  reader_.clear();
  stream_.reset();
  end_transfers();
  if (queue_ == nullptr) {
    WEFT_REACHED("tcp.ended_before_queue");
    home_.loop.post(destroy_);
    return;
  }
  std::exchange(queue_, nullptr)->disconnected();
}

// Nothing refers to the memory of pulls and data-outs any more.
void Connection::end_transfers() {
  pulling_.splice(pulling_.end(), waiting_);
  while (!pulling_.empty()) {
    TcpCommand& command = pulling_.front();
    pulling_.pop_front();
    WEFT_REACHED("tcp.pull_lost");
    end_pull(command, fabric::Pull::Outcome::lost);
  }
  while (!unreleased_.empty()) {
    TcpCommand& command = unreleased_.front();
    unreleased_.pop_front();
    WEFT_REACHED("tcp.data_of_ended_connection");
    release(command);
  }
}

void Connection::settle() {
  if (state_ == State::closed) end_transfers();
}

void Connection::abandon(fabric::Command& base) {
  WEFT_CHECK(state_ == State::closed, "a command is abandoned only after the queue was disconnected");
  auto& command = static_cast<TcpCommand&>(base);
  WEFT_CHECK(command.pull == nullptr, "a command is not abandoned while its data is being pulled");
  --unanswered_;
  release(command);
}

void Connection::retire() {
  WEFT_CHECK(state_ == State::closed && queue_ == nullptr, "a queue retires after it was disconnected");
  WEFT_CHECK(unanswered_ == 0, "a queue that retires has answered or abandoned every command");
  home_.loop.post(destroy_);  // behind settle_, if that is posted
}

void Connection::destroy() {
  Home& home = home_;
  const auto origin = origin_;
  home.connections.erase(home.connections.iterator_to(*this));
  delete this;
  leave(home, *origin);
}

void Connection::send_control(std::unique_ptr<Control>& slot, wire::tcp::PduType type) {
  Control& op = *slot;
  op.owner = &slot;
  op.piece = {op.bytes.data(), op.bytes.size()};
  op.pieces = {&op.piece, 1};
  op.done = &Connection::on_control_sent;
  home_.counters.count_out(type);
  home_.counters.bytes_out.add(op.bytes.size());
  stream_->send(op);
}

void Connection::on_control_sent(net::SendOp& op, int) noexcept {
  static_cast<Control&>(op).owner->reset();
}

// An error ends the stream too, which on_ended() tells.
void Connection::on_part_sent(net::SendOp& op, int) noexcept {
  TcpCommand& command = PduOut<TcpCommand>::owner_of(op);
  --command.parts;
  if (command.answered && command.parts == 0) command.connection.release(command);
}

// The end of a command: nothing refers to it or its data.
void Connection::release(TcpCommand& command) {
  fabric::DataOut* data = command.data_out;
  home_.commands.give_back(command);
  --held_;
  if (data != nullptr) data->released(*data);
  if (is_open()) reader_.wake();
}

}  // namespace weft::tcp
