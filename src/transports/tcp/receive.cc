// The PDU parser of a connection.  It takes input only as far as somebody wants it.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "transports/tcp/connection.h"
#include "transports/tcp/home.h"

namespace weft::tcp {

namespace {
constexpr std::size_t kMostChunks = 2;  // kept while the connection rests until the next turn
constexpr std::size_t kDirectBytes =
    8 * 1024;  // from here on the stream receives right into the command's memory
}  // namespace

void Connection::on_received(net::Chunk chunk) {
  if (!is_open()) return;
  home_.counters.bytes_in.add(chunk.bytes().size());
  if (!chunk.empty()) input_.push_back(std::move(chunk));
  if (!parsing_) {
    parse();
  } else if (!parser_.is_posted()) {
    home_.loop.defer(parser_);
  }
}

void Connection::on_received_into() {
  receiving_into_ = false;
  if (!is_open()) return;
  home_.counters.bytes_in.add(direct_.size());
  command_->into.advance(direct_.size());
  data_arrived(std::exchange(direct_, {}));
  parse();
}

// Goes on reading, at the end of this turn, when something was waited for.
void Connection::wake() {
  if (blocked_ && !parser_.is_posted()) home_.loop.defer(parser_);
}

void Connection::run_parser() {
  parse();
}

void Connection::on_next_turn() {
  turn_bytes_ = 0;
  turn_pdus_ = 0;
  parse();
}

void Connection::parse() {
  if (parsing_ || state_ >= State::closing) return;
  parsing_ = true;
  blocked_ = false;
  Step last = Step::again;
  while (is_open() && last == Step::again) last = step();
  if (is_open()) {
    blocked_ = last == Step::blocked;
    set_paused(blocked_ || input_.size() > kMostChunks);
  } else {
    input_.clear();
    if (state_ == State::terminating) set_paused(false);
  }
  parsing_ = false;
}

void Connection::set_paused(bool paused) {
  if (paused == paused_) return;
  paused_ = paused;
  if (paused) {
    stream_->pause();
  } else {
    stream_->resume();
  }
}

// Whether this connection may take more in this turn; if not, it goes on in the next.
bool Connection::is_rested() {
  const Options& options = home_.shared.options;
  if (const Time now = home_.loop.now(); now != turn_) {
    turn_ = now;
    turn_bytes_ = 0;
    turn_pdus_ = 0;
  }
  if (turn_bytes_ < options.turn_bytes && turn_pdus_ < options.turn_pdus) return true;
  if (!next_turn_.is_posted()) home_.loop.post(next_turn_);
  return false;
}

Connection::Step Connection::step() {
  if (receiving_into_) return Step::starved;
  if (!is_rested()) return Step::resting;
  switch (phase_) {
    case Phase::common:
      return take_common_header();
    case Phase::header:
      return take_header();
    case Phase::deliver:
      return deliver_capsule();
    case Phase::padding:
      return take_padding();
    case Phase::data:
      return take_data();
    case Phase::digest:
      return take_data_digest();
  }
  return Step::starved;
}

std::span<const std::byte> Connection::available() const {
  if (input_.empty()) return {};
  return input_.front().bytes();
}

void Connection::consume(std::size_t count) {
  input_.front().skip(count);
  if (input_.front().empty()) input_.erase(input_.begin());
}

// Until header_ holds `count` bytes; false when the input ends before.
bool Connection::gather(std::size_t count) {
  while (gathered_ < count) {
    const auto bytes = available();
    if (bytes.empty()) return false;
    const std::size_t part = std::min(bytes.size(), count - gathered_);
    std::memcpy(header_ + gathered_, bytes.data(), part);
    gathered_ += static_cast<std::uint32_t>(part);
    consume(part);
  }
  return true;
}

Connection::Step Connection::take_common_header() {
  if (!gather(sizeof(wire::tcp::CommonHeader))) return Step::starved;
  const auto header = *wire::load<wire::tcp::CommonHeader>(header_);
  const auto shape = wire::tcp::check_header(header, agreed_, wire::tcp::Direction::host_to_controller);
  if (!shape) {
    fatal(shape.error());
    return Step::again;
  }
  if (!expects(shape->type)) {
    fatal({wire::tcp::FatalError::pdu_sequence_error, 0});
    return Step::again;
  }
  shape_ = *shape;
  phase_ = Phase::header;
  return Step::again;
}

Connection::Step Connection::take_header() {
  if (!gather(std::size_t{shape_.header_size} + shape_.hdgst_size)) return Step::starved;
  if (shape_.hdgst_size != 0 && !header_digest_matches()) return Step::again;
  home_.counters.count_in(shape_.type);
  ++turn_pdus_;
  sink_ = Sink::none;
  command_ = nullptr;
  skip_ = 0;
  digest_ = {};
  const std::uint32_t head = std::uint32_t{shape_.header_size} + shape_.hdgst_size;
  left_ = shape_.data_size == 0 ? 0 : shape_.data_offset - head;
  phase_ = Phase::padding;
  act_on_header();
  return Step::again;
}

bool Connection::header_digest_matches() {
  const auto header = std::span(std::as_const(header_)).first(shape_.header_size);
  const std::uint32_t received = *wire::load<wire::le32>(std::span(header_).subspan(shape_.header_size));
  if (received == Digest::of(header)) return true;
  home_.counters.header_digest_errors.add(1);
  fatal({wire::tcp::FatalError::header_digest_error, received});
  return false;
}

Connection::Step Connection::take_padding() {
  while (left_ > 0) {
    const auto bytes = available();
    if (bytes.empty()) return Step::starved;
    const auto part = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), left_));
    consume(part);
    left_ -= part;
  }
  left_ = shape_.data_size;
  gathered_ = 0;
  phase_ = Phase::data;
  return Step::again;
}

Connection::Step Connection::take_data() {
  if (left_ > 0) return take_data_piece();
  if (shape_.ddgst_size != 0) {
    phase_ = Phase::digest;
  } else {
    next_pdu();
  }
  return Step::again;
}

Connection::Step Connection::take_data_piece() {
  if (sink_ == Sink::capsule && command_->pull == nullptr) return Step::blocked;
  const bool wanted = sink_ != Sink::none && skip_ == 0;
  const auto piece = wanted ? command_->into.piece() : std::span<std::byte>();
  if (input_.empty()) {
    const std::size_t direct = std::min<std::size_t>(piece.size(), left_);
    if (direct < kDirectBytes) return Step::starved;
    set_paused(false);
    if (!input_.empty()) return Step::again;
    receiving_into_ = true;
    direct_ = piece.first(direct);
    stream_->receive_into(direct_);
    return Step::starved;
  }
  auto bytes = available();
  bytes = bytes.first(std::min<std::size_t>(bytes.size(), left_));
  if (skip_ > 0) bytes = bytes.first(std::min<std::size_t>(bytes.size(), skip_));
  if (!piece.empty()) {
    bytes = bytes.first(std::min(bytes.size(), piece.size()));
    std::memcpy(piece.data(), bytes.data(), bytes.size());
    command_->into.advance(bytes.size());
  }
  skip_ -= std::min(skip_, static_cast<std::uint32_t>(bytes.size()));
  data_arrived(bytes);
  consume(bytes.size());
  return Step::again;
}

void Connection::data_arrived(std::span<const std::byte> bytes) {
  if (sink_ != Sink::none && shape_.ddgst_size != 0) digest_.add(bytes);
  left_ -= static_cast<std::uint32_t>(bytes.size());
  turn_bytes_ += static_cast<std::uint32_t>(bytes.size());
}

Connection::Step Connection::take_data_digest() {
  if (!gather(wire::tcp::kDigestSize)) return Step::starved;
  const std::uint32_t received = *wire::load<wire::le32>(header_);
  if (sink_ != Sink::none && received != digest_.value()) {
    home_.counters.data_digest_errors.add(1);
    command_->damaged = true;
  }
  next_pdu();
  return Step::again;
}

void Connection::next_pdu() {
  gathered_ = 0;
  phase_ = Phase::common;
  if (sink_ == Sink::capsule) end_capsule_data();
  if (sink_ == Sink::transfer) end_transfer_data();
}

}  // namespace weft::tcp
