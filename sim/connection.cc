#include "sim/connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace weft::sim {

namespace {

constexpr std::size_t kLargestChunk = 64 * 1024;
constexpr std::size_t kFirstPdu = 128;  // ICReq, ICResp

std::size_t bytes_of(const net::SendOp& op) {
  std::size_t bytes = 0;
  for (const iovec& piece : op.pieces) bytes += piece.iov_len;
  return bytes;
}

}  // namespace

Lender::~Lender() {
  WEFT_CHECK(lent_.empty(), "chunks do not outlive their loop");
}

net::Chunk Lender::lend(std::vector<std::byte> bytes) {
  const std::uint32_t token = next_++;
  const auto& kept = lent_[token] = std::move(bytes);
  return {kept, this, token};
}

void Lender::give_back(std::uint32_t token) {
  WEFT_CHECK(lent_.erase(token) == 1, "a chunk is given back once");
}

Connection::Connection(Internet& internet, SimNetworks& from, net::Address from_address, SimNetworks& to,
                       net::Address to_address)
    : internet_(internet), made_at_(internet.world().now()) {
  ends_[0].process = &from;
  ends_[0].address = from_address;
  ends_[1].process = &to;
  ends_[1].address = to_address;
  for (End& each : ends_) {
    each.room = std::size_t{4096} << internet.world().dice().below(8);
    each.last_arrival = internet.world().now();
  }
}

void Connection::set_end(End& of, int error) {
  of.end = error;
  know_end(of);
}

void Connection::set_gone(End& of) {
  of.is_gone = true;
  know_end(of);
}

void Connection::know_end(End& of) {
  const Time now = internet_.world().now();
  of.ended_at = std::min(of.ended_at, now);
  auto& last = internet_.last_ends_[ends_[0].process->host()];
  if (&of == &ends_[0])
    last.there = now;
  else
    last.at_target = std::max(last.at_target, of.ended_at);
}

bool Connection::is_cut() const {
  return internet_.is_cut(*ends_[0].process) || internet_.is_cut(*ends_[1].process);
}

Duration Connection::arrival(int side) {
  const Time now = internet_.world().now();
  End& from = ends_[side];
  from.last_arrival = std::max(from.last_arrival, now + internet_.latency());
  return from.last_arrival - now;
}

void Connection::send(int side, std::vector<std::byte> bytes) {
  if (ends_[side].is_gone) return;
  const std::size_t before = std::exchange(ends_[side].sent, ends_[side].sent + bytes.size());
  if (damages_next_) damage(bytes, before);
  internet_.world().after(arrival(side), [self = shared_from_this(), side, all = std::move(bytes)]() mutable {
    self->arrive(side, std::move(all));
  });
}

// Not what is said before digests are agreed on.
void Connection::damage(std::vector<std::byte>& bytes, std::size_t sent_before) {
  const std::size_t safe = sent_before >= kFirstPdu ? 0 : kFirstPdu - sent_before;
  if (bytes.size() <= safe) return;
  damages_next_ = false;
  const std::size_t at = safe + internet_.world().dice().below(bytes.size() - safe);
  bytes[at] ^= std::byte{1} << internet_.world().dice().below(8);
  internet_.world().note("byte {} to {} is damaged", sent_before + at, ends_[1].address.text());
}

void Connection::died(const SimNetworks& process, bool tells) {
  for (int side = 0; side < 2; ++side) {
    End& own = ends_[side];
    if (own.process != &process) continue;
    own.lost_power = !tells && !own.is_gone;
    if (tells) finish(side, ECONNRESET);
    set_gone(own);
    own.stream = nullptr;
  }
}

void Connection::has_power_again(const std::string& host) {
  for (int side = 0; side < 2; ++side) {
    End& own = ends_[side];
    if (own.process->host() != host || !std::exchange(own.lost_power, false)) continue;
    internet_.world().after(internet_.latency(),
                            [self = shared_from_this(), side] { self->arrive_end(side, ECONNRESET); });
  }
}

void Connection::arrive(int side, std::vector<std::byte> bytes) {
  if (ends_[1 - side].is_gone) return;
  if (is_cut() || !ends_[side].held.empty()) return ends_[side].held.push_back(std::move(bytes));
  End& to = ends_[1 - side];
  to.arrived.insert(to.arrived.end(), bytes.begin(), bytes.end());
  ends_[side].room += bytes.size();
  for (const End& each : ends_)
    if (each.stream != nullptr) each.stream->wake();
}

void Connection::finish(int side, int error) {
  if (ends_[side].is_gone) return;
  internet_.world().after(arrival(side),
                          [self = shared_from_this(), side, error] { self->arrive_end(side, error); });
}

void Connection::arrive_end(int side, int error) {
  End& from = ends_[side];
  if (is_cut() || !from.held.empty()) {
    from.held_end = error;
    return;
  }
  End& to = ends_[1 - side];
  if (to.is_gone || to.end) return;
  if (error != 0) to.arrived.clear();
  set_end(to, error);
  if (to.stream != nullptr) to.stream->wake();
}

void Connection::reset(int tells) {
  for (int side = 0; side < 2; ++side) {
    End& to = ends_[side];
    if ((tells & (1 << side)) == 0 || to.end) continue;
    to.arrived.clear();
    set_end(to, ECONNRESET);
    if (to.stream != nullptr) to.stream->wake();
  }
  // Whoever was not told sends into nothing.
  for (End& each : ends_) each.is_gone = true;
}

void Connection::joined() {
  if (is_cut()) return;
  for (int side = 0; side < 2; ++side) {
    auto held = std::exchange(ends_[side].held, {});
    for (auto& bytes : held) arrive(side, std::move(bytes));
    if (const auto end = std::exchange(ends_[side].held_end, {})) arrive_end(side, *end);
  }
}

SimStream::SimStream(Loop& loop, Lender& lender, std::shared_ptr<Connection> connection, int side,
                     net::StreamHandler& handler)
    : loop_(loop), lender_(lender), connection_(std::move(connection)), side_(side), handler_(handler) {
  own().stream = this;
  wake();
}

SimStream::~SimStream() {
  WEFT_CHECK(closed_, "a stream is destroyed after on_closed");
  own().stream = nullptr;
}

void SimStream::wake() {
  if (!work_.is_posted()) loop_.post(work_);
}

void SimStream::send(net::SendOp& op) {
  WEFT_CHECK(!closing_, "nothing is sent after close");
  sends_.push_back(op);
  if (!flush_.is_posted()) loop_.defer(flush_);
}

void SimStream::resume() {
  paused_ = false;
  wake();
}

void SimStream::receive_into(std::span<std::byte> into) {
  WEFT_CHECK(!into_, "one receive_into at a time");
  into_ = into;
  wake();
}

// As much as the socket takes.
void SimStream::flush() {
  if (finished_) return;
  std::vector<std::byte> bytes;
  while (!sends_.empty() && own().room > bytes.size()) {
    net::SendOp& op = sends_.front();
    std::size_t skip = sent_of_first_;
    for (const iovec& piece : op.pieces) {
      const auto* const from = static_cast<const std::byte*>(piece.iov_base);
      const std::size_t begin = std::min(skip, piece.iov_len);
      skip -= begin;
      const std::size_t count = std::min(piece.iov_len - begin, own().room - bytes.size());
      bytes.insert(bytes.end(), from + begin, from + begin + count);
      sent_of_first_ += count;
    }
    if (sent_of_first_ < bytes_of(op)) break;
    sent_of_first_ = 0;
    sends_.pop_front();
    sent_.push_back(op);
  }
  if (!bytes.empty()) {
    own().room -= bytes.size();
    connection_->send(side_, std::move(bytes));
  }
  if (!sent_.empty() || closing_) wake();
}

void SimStream::close(CloseMode mode) {
  WEFT_CHECK(!closing_, "a stream is closed once");
  closing_ = true;
  if (side_ == 0) connection_->know_end(own());
  if (mode == CloseMode::abort) return finish();
  loop_.arm(time_, std::chrono::seconds(1));
  wake();
}

void SimStream::finish() {
  if (finished_) return;
  finished_ = true;
  connection_->finish(side_, sends_.empty() ? 0 : ECONNRESET);
  wake();
}

void SimStream::drop_sends() {
  while (!sends_.empty()) {
    net::SendOp& op = sends_.front();
    sends_.pop_front();
    op.done(op, ECANCELED);
  }
}

void SimStream::tell_sent() {
  List<net::SendOp> now;
  now.swap(sent_);
  while (!now.empty()) {
    net::SendOp& op = now.front();
    now.pop_front();
    op.done(op, 0);
  }
}

void SimStream::work() {
  flush();
  tell_sent();
  if (!closing_) deliver();
  if (!closing_) return;
  if (!finished_ && (sends_.empty() || own().end)) finish();
  if (!finished_) return;
  if (time_.is_armed()) loop_.cancel(time_);
  if (flush_.is_posted() || work_.is_posted()) return;  // it comes back to this
  drop_sends();
  tell_sent();
  if (work_.is_posted()) return;
  closed_ = true;
  connection_->set_gone(own());
  connection_->internet().world().note("{} has closed its connection to {}", own().process->name(),
                                       peer().text());
  handler_.on_closed();  // the end of this object
}

std::vector<std::byte> SimStream::take(std::size_t count) {
  auto& arrived = own().arrived;
  const auto end = arrived.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<std::byte> bytes(arrived.begin(), end);
  arrived.erase(arrived.begin(), end);
  return bytes;
}

// One piece, of any size; the rest in later turns.
void SimStream::deliver() {
  auto& arrived = own().arrived;
  if (into_ && (into_->empty() || !arrived.empty())) {
    const std::size_t count = std::min(into_->size(), 1 + loop_.dice().below(kLargestChunk));
    const auto bytes = take(std::min(count, arrived.size()));
    std::ranges::copy(bytes, into_->begin());
    into_ = into_->subspan(bytes.size());
    wake();
    if (!into_->empty()) return;
    into_.reset();
    return handler_.on_received_into();
  }
  if (!arrived.empty() && !paused_) {
    const std::size_t most = std::min(arrived.size(), kLargestChunk);
    const std::size_t count = loop_.dice().one_in(3) ? 1 + loop_.dice().below(most) : most;
    wake();
    return handler_.on_received(lender_.lend(take(count)));
  }
  if (!own().end || end_told_ || (!arrived.empty() && !paused_)) return;
  end_told_ = true;
  connection_->internet().world().note("{} hears of the end of its connection to {}", own().process->name(),
                                       peer().text());
  handler_.on_ended(*own().end);
}

}  // namespace weft::sim
