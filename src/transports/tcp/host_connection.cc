#include "transports/tcp/host_connection.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/reached.h"

namespace weft::tcp {

void Attempt::on_connected(std::unique_ptr<net::Accepted> accepted, int error) {
  HostConnection* const its = connection;
  home.attempts.erase(home.attempts.iterator_to(*this));
  delete this;
  if (its != nullptr) its->on_connected(std::move(accepted), error);
}

HostConnection::HostConnection(HostHome& home, const net::Address& address,
                               const fabric::ConnectOptions& options, fabric::HostConnectionOwner& owner)
    : home_(home),
      owner_(owner),
      options_(options),
      name_("tcp " + address.text()),
      reader_(*this, home.loop, home.counters, home.turn, wire::tcp::Direction::controller_to_host) {
  attempt_ = new Attempt(home_, *this);  // owned by the home, and then by itself
  home_.attempts.push_back(*attempt_);
  home_.loop.arm(deadline_, options.open_time);
  home_.network.connect(address, *attempt_);
}

HostConnection::~HostConnection() {
  WEFT_CHECK(state_ == State::closed && active_.empty(), "a connection is destroyed after on_closed");
}

void HostConnection::on_connected(std::unique_ptr<net::Accepted> accepted, int error) {
  attempt_ = nullptr;
  if (error != 0) {
    WEFT_REACHED("tcp.cannot_connect");
    return fail(error, errno_text(error));
  }
  if (state_ != State::connecting) {
    WEFT_REACHED("tcp.connected_too_late");
    return;
  }
  state_ = State::initialising;
  stream_ = home_.network.adopt(std::move(accepted), *this);
  reader_.start(*stream_);
  const wire::tcp::IcReq pdu =
      wire::tcp::make_ic_req({.maxr2t = 1, .hdgst = options_.header_digest, .ddgst = options_.data_digest});
  home_.counters.count_out(wire::tcp::PduType::ic_req);
  send_control(ic_req_, wire::bytes_of(pdu), {});
}

void HostConnection::send_control(Control& control, std::span<const std::byte> pdu,
                                  std::span<const std::byte> more) {
  control.bytes.assign(pdu.begin(), pdu.end());
  control.bytes.insert(control.bytes.end(), more.begin(), more.end());
  control.piece = {control.bytes.data(), control.bytes.size()};
  control.pieces = {&control.piece, 1};
  control.done = [](net::SendOp&, int) noexcept {};  // an error ends the stream too
  home_.counters.bytes_out.add(control.bytes.size());
  stream_->send(control);
}

void HostConnection::on_deadline() {
  WEFT_REACHED("tcp.target_too_slow");
  home_.counters.timeouts.add(1);
  fail(ETIMEDOUT, state_ == State::connecting ? "no connection in time" : "no ICResp in time");
}

void HostConnection::fail(int code, std::string_view what) {
  if (state_ >= State::ended) return;
  const bool was_open = state_ == State::open;
  state_ = State::ended;
  home_.loop.cancel(deadline_);
  if (stream_ != nullptr) reader_.look_again();
  owner_.on_ended({code, fmt::format("{}: {}{}", name_, was_open ? "" : "cannot connect: ", what)});
}

void HostConnection::on_received(net::Chunk chunk) {
  reader_.received(std::move(chunk));
}

void HostConnection::on_received_into() {
  reader_.received_into();
}

void HostConnection::on_ended(int error) {
  flushes_ = false;
  if (error != 0) {
    WEFT_REACHED("tcp.connection_to_target_failed");
    return fail(error, errno_text(error));
  }
  fail(ECONNRESET, "the target closed the connection");
}

void HostConnection::close() {
  if (state_ >= State::closing) return;
  state_ = State::closing;
  home_.loop.cancel(deadline_);
  if (attempt_ != nullptr) {
    WEFT_REACHED("tcp.closed_while_connecting");
    std::exchange(attempt_, nullptr)->connection = nullptr;
  }
  if (stream_ == nullptr) return home_.loop.post(finish_);
  reader_.stop();
  stream_->close(flushes_ ? net::Stream::CloseMode::flushing : net::Stream::CloseMode::abort);
}

void HostConnection::on_closed() {
  reader_.clear();
  stream_.reset();
  home_.loop.post(finish_);  // behind what the reader has posted: the owner may destroy this
}

void HostConnection::finish() {
  state_ = State::closed;
  end_all();
  owner_.on_closed();  // may be the end of this object
}

}  // namespace weft::tcp
