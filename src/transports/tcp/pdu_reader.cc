#include "transports/tcp/pdu_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/planted.h"
#include "base/reached.h"

namespace weft::tcp {

namespace {
constexpr std::size_t kMostChunks = 2;  // kept while the connection rests until the next turn
constexpr std::size_t kDirectBytes =
    8 * 1024;  // from here on the stream receives right into the command's memory
}  // namespace

void PduReader::received(net::Chunk chunk) {
  if (!owner_.is_reading()) {
    WEFT_REACHED("tcp.received_after_end");
    return;
  }
  counters_.bytes_in.add(chunk.bytes().size());
  if (!chunk.empty()) input_.push_back(std::move(chunk));
  if (!parsing_) {
    parse();
  } else if (!parser_.is_posted()) {
    loop_.defer(parser_);
  }
}

void PduReader::received_into() {
  receiving_into_ = false;
  if (!owner_.is_reading()) {
    WEFT_REACHED("tcp.received_into_after_end");
    return;
  }
  counters_.bytes_in.add(direct_.size());
  into_->advance(direct_.size());
  data_arrived(std::exchange(direct_, {}));
  parse();
}

void PduReader::clear() {
  stopped_ = true;
  input_.clear();
  receiving_into_ = false;
  stream_ = nullptr;
}

// Goes on reading, at the end of this turn, when something was waited for.
void PduReader::wake() {
  if (blocked_ && !parser_.is_posted()) loop_.defer(parser_);
}

void PduReader::look_again() {
  if (!parsing_ && !parser_.is_posted()) loop_.defer(parser_);
}

void PduReader::run() {
  parse();
}

void PduReader::on_next_turn() {
  turn_bytes_ = 0;
  turn_pdus_ = 0;
  parse();
}

void PduReader::parse() {
  if (parsing_ || stopped_) return;
  parsing_ = true;
  blocked_ = false;
  Step last = Step::again;
  while (owner_.is_reading() && last == Step::again) last = step();
  if (owner_.is_reading()) {
    blocked_ = last == Step::blocked;
    set_paused(blocked_ || input_.size() > kMostChunks);
  } else {
    input_.clear();
    if (!stopped_) set_paused(false);
  }
  parsing_ = false;
}

void PduReader::set_paused(bool paused) {
  if (paused == paused_) return;
  paused_ = paused;
  if (paused) {
    stream_->pause();
  } else {
    stream_->resume();
  }
}

// Whether this connection may take more in this turn; if not, it goes on in the next.
bool PduReader::is_rested() {
  if (const Time now = loop_.now(); now != turn_) {
    turn_ = now;
    turn_bytes_ = 0;
    turn_pdus_ = 0;
  }
  if (turn_bytes_ < limits_.bytes && turn_pdus_ < limits_.pdus) return true;
  if (!next_turn_.is_posted() && !planted(Bug::forgotten_turn)) loop_.post(next_turn_);
  return false;
}

// A PDU's header goes through in one step, and so do its padding and the first of its data: whether there may
// be more is asked in between.
PduReader::Step PduReader::step() {
  if (receiving_into_) return Step::starved;
  if (!is_rested()) return Step::resting;
  Step last = Step::again;
  switch (phase_) {
    case Phase::common:
      last = take_common_header();
      if (phase_ != Phase::header) return last;
      [[fallthrough]];
    case Phase::header:
      last = take_header();
      if (phase_ != Phase::deliver) return last;
      [[fallthrough]];
    case Phase::deliver:
      return deliver();
    case Phase::padding:
      last = take_padding();
      if (phase_ != Phase::data) return last;
      [[fallthrough]];
    case Phase::data:
      return take_data();
    case Phase::digest:
      return take_data_digest();
  }
  return last;
}

std::span<const std::byte> PduReader::available() const {
  if (input_.empty()) return {};
  return input_.front().bytes();
}

void PduReader::consume(std::size_t count) {
  input_.front().skip(count);
  if (input_.front().empty()) input_.erase(input_.begin());
}

// Until header_ holds `count` bytes; false when the input ends before.
bool PduReader::gather(std::size_t count) {
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

std::span<const std::byte> PduReader::header_so_far() const {
  const std::size_t whole = phase_ == Phase::common ? sizeof(wire::tcp::CommonHeader) : shape_.header_size;
  return std::span(header_).first(std::min<std::size_t>({whole, gathered_, wire::tcp::kTermReqMaxData}));
}

PduReader::Step PduReader::take_common_header() {
  if (!gather(sizeof(wire::tcp::CommonHeader))) return Step::starved;
  const auto header = *wire::load<wire::tcp::CommonHeader>(header_);
  const auto shape = wire::tcp::check_header(header, agreed, direction_);
  if (!shape) {
    WEFT_REACHED("tcp.header_refused");
    owner_.on_violation(shape.error());
    return Step::again;
  }
  if (!owner_.expects(shape->type)) {
    WEFT_REACHED("tcp.pdu_out_of_sequence");
    owner_.on_violation({wire::tcp::FatalError::pdu_sequence_error, 0});
    return Step::again;
  }
  shape_ = *shape;
  phase_ = Phase::header;
  return Step::again;
}

PduReader::Step PduReader::take_header() {
  if (!gather(std::size_t{shape_.header_size} + shape_.hdgst_size)) return Step::starved;
  if (shape_.hdgst_size != 0 && !header_digest_matches()) return Step::again;
  counters_.count_in(shape_.type);
  ++turn_pdus_;
  drop();
  digest_ = {};
  damaged_ = false;
  const std::uint32_t head = std::uint32_t{shape_.header_size} + shape_.hdgst_size;
  left_ = shape_.data_size == 0 ? 0 : shape_.data_offset - head;
  phase_ = Phase::deliver;
  return Step::again;
}

bool PduReader::header_digest_matches() {
  const auto header = std::span(std::as_const(header_)).first(shape_.header_size);
  const std::uint32_t received = *wire::load<wire::le32>(std::span(header_).subspan(shape_.header_size));
  if (received == Digest::of(header)) return true;
  WEFT_REACHED("tcp.header_digest_wrong");
  counters_.header_digest_errors.add(1);
  owner_.on_violation({wire::tcp::FatalError::header_digest_error, received});
  return false;
}

PduReader::Step PduReader::deliver() {
  if (!owner_.on_header()) return Step::blocked;
  phase_ = Phase::padding;
  return Step::again;
}

PduReader::Step PduReader::take_padding() {
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

void PduReader::hold() {
  held_ = true;
}

void PduReader::fill(Scatter& into, std::uint32_t skip) {
  held_ = false;
  into_ = &into;
  skip_ = skip;
}

void PduReader::drop() {
  held_ = false;
  into_ = nullptr;
  skip_ = 0;
}

PduReader::Step PduReader::take_data() {
  if (left_ > 0) return take_data_piece();
  if (shape_.ddgst_size != 0) {
    phase_ = Phase::digest;
  } else {
    next_pdu();
  }
  return Step::again;
}

PduReader::Step PduReader::take_data_piece() {
  if (held_) return Step::blocked;
  const auto piece = into_ != nullptr && skip_ == 0 ? into_->piece() : std::span<std::byte>();
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
    into_->advance(bytes.size());
  }
  skip_ -= std::min(skip_, static_cast<std::uint32_t>(bytes.size()));
  data_arrived(bytes);
  consume(bytes.size());
  return Step::again;
}

void PduReader::data_arrived(std::span<const std::byte> bytes) {
  if (wants_data() && shape_.ddgst_size != 0) digest_.add(bytes);
  left_ -= static_cast<std::uint32_t>(bytes.size());
  turn_bytes_ += static_cast<std::uint32_t>(bytes.size());
}

PduReader::Step PduReader::take_data_digest() {
  if (!gather(wire::tcp::kDigestSize)) return Step::starved;
  const std::uint32_t received = *wire::load<wire::le32>(header_);
  if (wants_data() && received != digest_.value() && !planted(Bug::unchecked_digest)) {
    WEFT_REACHED("tcp.data_digest_wrong");
    counters_.data_digest_errors.add(1);
    damaged_ = true;
  }
  next_pdu();
  return Step::again;
}

void PduReader::next_pdu() {
  gathered_ = 0;
  phase_ = Phase::common;
  if (!wants_data()) return;
  drop();
  owner_.on_data_end(damaged_);
}

}  // namespace weft::tcp
