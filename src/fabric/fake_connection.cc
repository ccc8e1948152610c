#include "fabric/fake_connection.h"

#include <algorithm>
#include <cstring>

namespace weft::fabric {

namespace {

std::size_t total(std::span<const iovec> pieces) {
  std::size_t bytes = 0;
  for (const iovec& piece : pieces) bytes += piece.iov_len;
  return bytes;
}

// The data that came: of a capsule, the part that the descriptor names.
std::span<const std::byte> named_data(const wire::Sqe& sqe, std::span<const std::byte> out) {
  if (sqe.dptr.type != wire::kSglInCapsule) return out;
  return out.subspan(std::min<std::size_t>(sqe.dptr.address, out.size()));
}

void copy_into(std::span<const iovec> pieces, std::span<const std::byte> from) {
  for (const iovec& piece : pieces) {
    if (piece.iov_len == 0) continue;
    std::memcpy(piece.iov_base, from.data(), piece.iov_len);
    from = from.subspan(piece.iov_len);
  }
}

void copy_from(std::span<const iovec> pieces, std::span<std::byte> into) {
  for (const iovec& piece : pieces) {
    const std::size_t bytes = std::min(piece.iov_len, into.size());
    if (bytes == 0) continue;
    std::memcpy(into.data(), piece.iov_base, bytes);
    into = into.subspan(bytes);
  }
}

// As a transport does, which sees the digest only when the bytes are in their place.
void damage(std::span<const iovec> pieces) {
  for (const iovec& piece : pieces) {
    if (piece.iov_len == 0) continue;
    *static_cast<std::byte*>(piece.iov_base) ^= std::byte{0xFF};
    return;
  }
}

}  // namespace

Path FakeConnection::default_path() {
  return {.trtype = wire::TransportType::tcp,
          .adrfam = wire::AddressFamily::ipv4,
          .traddr = "127.0.0.1",
          .trsvcid = "4420",
          .peer = "127.0.0.1:50000"};
}

FakeConnection::FakeConnection(Loop& loop, Path path) : loop_(loop), path_(std::move(path)) {}

FakeConnection::~FakeConnection() {
  WEFT_CHECK(queue_ == nullptr, "a connection is retired before it is destroyed");
  WEFT_CHECK(!has_work_posted(), "the loop has finished with a connection before it is destroyed");
}

void FakeConnection::attach(Acceptor& acceptor) {
  WEFT_CHECK(phase_ == Phase::open && queue_ == nullptr, "a connection is attached once");
  queue_ = &acceptor.accept(*this);
}

Exchange& FakeConnection::take() {
  if (free_ != nullptr) {
    Exchange& exchange = *free_;
    free_ = exchange.next_free_;
    return exchange;
  }
  WEFT_CHECK(exchanges_.size() < 0xFFFF, "a queue has no more command ids");
  exchanges_.emplace_back();
  exchanges_.back().own_cid_ = static_cast<std::uint16_t>(exchanges_.size() - 1);
  return exchanges_.back();
}

void FakeConnection::fill_in(Exchange& exchange, const wire::Sqe& sqe, const HostData& data) {
  exchange.sqe = sqe;
  exchange.data_ = data;
  exchange.was_pulled_ = false;
  exchange.deserted_ = false;
  exchange.data_in_bytes_ = 0;
  exchange.order_ = 0;
  exchange.finished_function_ = nullptr;
  if (!data.keep_cid) exchange.sqe.cid = exchange.own_cid_;
  const auto bytes = static_cast<std::uint32_t>(data.out.empty() ? data.in.size() : data.out.size());
  if (data.pointer == HostData::Pointer::transport) wire::set_transport(exchange.sqe, bytes);
  if (data.pointer == HostData::Pointer::capsule) wire::set_in_capsule(exchange.sqe, bytes);
  const bool in_capsule = exchange.sqe.dptr.type == wire::kSglInCapsule;
  exchange.in_capsule_bytes = in_capsule ? static_cast<std::uint32_t>(data.out.size()) : 0;
}

Exchange& FakeConnection::submit(const wire::Sqe& sqe, const HostData& data) {
  WEFT_CHECK(data.out.empty() || data.in.empty(), "data of a command goes one way");
  Exchange& exchange = take();
  fill_in(exchange, sqe, data);
  if (phase_ != Phase::open) {
    exchange.state_ = Exchange::State::lost;
    return exchange;
  }
  WEFT_CHECK(queue_ != nullptr, "a connection is attached before commands come");
  exchange.state_ = Exchange::State::sent;
  ++in_flight_;
  queue_->receive(Reply(*this, exchange));
  return exchange;
}

void FakeConnection::release(Exchange& exchange) {
  WEFT_CHECK(exchange.finished(), "a command is released when it has finished");
  exchange.state_ = Exchange::State::idle;
  exchange.next_free_ = free_;
  free_ = &exchange;
}

void FakeConnection::desert(Exchange& exchange) {
  if (exchange.finished()) {
    release(exchange);
    return;
  }
  exchange.deserted_ = true;
  exchange.data_.in = {};
  exchange.finished_function_ = nullptr;
}

void FakeConnection::hold_pulls() {
  pulls_allowed_ = 0;
}

void FakeConnection::let_pull(std::size_t count) {
  if (pulls_allowed_ != kNoLimit) pulls_allowed_ += count;
  if (!pulls_.empty() && !serve_pulls_.is_posted()) loop_.post(serve_pulls_);
}

void FakeConnection::resume_pulls() {
  pulls_allowed_ = kNoLimit;
  if (!pulls_.empty() && !serve_pulls_.is_posted()) loop_.post(serve_pulls_);
}

void FakeConnection::cut() {
  drop_answers_ = true;
  start_end();
}

void FakeConnection::established(const QueueLimits& limits) {
  WEFT_CHECK(!limits_.has_value(), "a queue is established once");
  limits_ = limits;
}

void FakeConnection::pull(Command& command, Pull& pull) {
  auto& exchange = static_cast<Exchange&>(command);
  WEFT_CHECK(exchange.state_ == Exchange::State::sent, "data is pulled before the answer");
  WEFT_CHECK(phase_ <= Phase::ending, "nothing is pulled once the queue was told of the end");
  WEFT_CHECK(!exchange.was_pulled_, "data is pulled once");
  WEFT_CHECK(!exchange.data_.out.empty(), "only a command with data is pulled");
  const std::size_t bytes = total(pull.into);
  WEFT_CHECK(bytes <= exchange.sqe.dptr.length, "no more is pulled than the data pointer says");
  WEFT_CHECK(bytes <= named_data(exchange.sqe, exchange.data_.out).size(),
             "no more is pulled than came, or than the test gave");
  WEFT_CHECK(pull.done != nullptr);
  exchange.was_pulled_ = true;
  exchange.pull_ = &pull;
  pulls_.push_back(exchange);
  if (phase_ == Phase::open && !serve_pulls_.is_posted()) loop_.post(serve_pulls_);
}

void FakeConnection::answer(Command& command, const wire::Cqe& cqe, DataOut* data) {
  auto& exchange = static_cast<Exchange&>(command);
  WEFT_CHECK(exchange.state_ == Exchange::State::sent, "a command is answered once");
  WEFT_CHECK(exchange.pull_ == nullptr, "a command is not answered while its data is on the way");
  WEFT_CHECK(cqe.cid == exchange.sqe.cid, "a completion has its command's id");
  if (data != nullptr) {
    WEFT_CHECK(exchange.data_.out.empty(), "a command that brought data gets none");
    WEFT_CHECK(total(data->from) <= exchange.sqe.dptr.length, "no more data than the host asked for");
  }
  exchange.cqe_ = cqe;
  exchange.data_out_ = data;
  exchange.state_ = Exchange::State::answered;
  exchange.too_late_ = phase_ != Phase::open;
  --in_flight_;
  if (exchange.too_late_ && data == nullptr) {
    finish(exchange, Exchange::State::lost);
    return;
  }
  outbox_.push_back(exchange);
  if (!flush_.is_posted()) loop_.defer(flush_);
}

void FakeConnection::abandon(Command& command) {
  auto& exchange = static_cast<Exchange&>(command);
  WEFT_CHECK(phase_ == Phase::ended, "a command is abandoned only after the end");
  WEFT_CHECK(exchange.state_ == Exchange::State::sent, "a command is abandoned instead of answered");
  --in_flight_;
  finish(exchange, Exchange::State::abandoned);
}

void FakeConnection::close(CloseReason reason) {
  if (!close_reason_) close_reason_ = reason;
  if (phase_ != Phase::open) return;
  start_end();
}

void FakeConnection::retire() {
  WEFT_CHECK(phase_ == Phase::ended, "a queue retires once, after it was told of the end");
  WEFT_CHECK(in_flight_ == 0, "a queue answers or abandons all commands before it retires");
  phase_ = Phase::retired;
  queue_ = nullptr;
}

void FakeConnection::start_end() {
  if (phase_ != Phase::open) return;
  phase_ = Phase::ending;
  if (queue_ == nullptr) {
    phase_ = Phase::retired;
    return;
  }
  loop_.post(end_);
}

void FakeConnection::deliver(Exchange& exchange, DataOut* data) {
  if (data != nullptr && exchange.status().ok()) {
    exchange.data_in_bytes_ = static_cast<std::uint32_t>(total(data->from));
    copy_from(data->from, exchange.data_.in);
  }
  exchange.order_ = ++completions_;
}

void FakeConnection::finish(Exchange& exchange, Exchange::State state) {
  exchange.state_ = state;
  exchange.data_out_ = nullptr;
  if (exchange.deserted_) {
    release(exchange);
  } else if (exchange.finished_function_ != nullptr) {
    exchange.finished_function_(exchange, exchange.context_);
  }
}

void FakeConnection::flush() {
  Exchanges leaving;  // what is answered meanwhile leaves with the next flush
  leaving.swap(outbox_);
  while (!leaving.empty()) {
    Exchange& exchange = leaving.front();
    leaving.pop_front();
    DataOut* data = exchange.data_out_;
    const bool dropped = drop_answers_ || exchange.too_late_;
    if (!dropped) deliver(exchange, data);
    if (data != nullptr) data->released(*data);
    finish(exchange, dropped ? Exchange::State::lost : Exchange::State::completed);
  }
}

void FakeConnection::serve_pulls() {
  if (phase_ != Phase::open) return;  // end() has them
  auto next = pulls_.begin();
  while (next != pulls_.end() && pulls_allowed_ > 0 && phase_ == Phase::open) {
    Exchange& exchange = *next;
    ++next;
    if (exchange.deserted_) continue;
    pulls_.erase(pulls_.iterator_to(exchange));
    if (pulls_allowed_ != kNoLimit) --pulls_allowed_;
    Pull& pull = *std::exchange(exchange.pull_, nullptr);
    const bool good = exchange.data_.outcome == Pull::Outcome::ok && pull_outcome_ == Pull::Outcome::ok;
    copy_into(pull.into, named_data(exchange.sqe, exchange.data_.out));
    if (!good) damage(pull.into);
    pull.done(pull, good ? Pull::Outcome::ok : Pull::Outcome::digest_error);
  }
}

void FakeConnection::end() {
  while (!pulls_.empty()) {
    Exchange& exchange = pulls_.front();
    pulls_.pop_front();
    Pull& pull = *std::exchange(exchange.pull_, nullptr);
    pull.done(pull, Pull::Outcome::lost);
  }
  while (!outbox_.empty()) flush();
  phase_ = Phase::ended;
  queue_->disconnected();
}

}  // namespace weft::fabric
