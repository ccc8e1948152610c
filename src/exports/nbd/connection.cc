#include "exports/nbd/connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace weft::nbd {

namespace {

constexpr std::uint32_t kMostWorks = 128;
constexpr std::uint64_t kMostBytes = std::uint64_t{32} * 1024 * 1024;

}  // namespace

Connection::Connection(Home& home) : home_(home) {
  home_.connections.push_back(*this);
}

Connection::~Connection() {
  home_.connections.erase(home_.connections.iterator_to(*this));
}

void Connection::start(Home& home, std::unique_ptr<net::Accepted> accepted) {
  auto* self = new Connection(home);  // owned by itself; see destroy()
  self->channel_ = home.shared.backend->open_channel(home.loop);
  self->stream_ = home.network.adopt(std::move(accepted), *self);
  self->greet();
}

void Connection::close() {
  shut(net::Stream::CloseMode::flushing);
}

void Connection::shut(net::Stream::CloseMode mode) {
  if (std::exchange(closing_, true)) return;
  stream_->close(mode);
}

void Connection::on_ended(int) {
  shut(net::Stream::CloseMode::abort);
}

void Connection::on_closed() {
  closed_ = true;
  input_.clear();
  stream_.reset();
  if (receiving_ != nullptr || refused_ != nullptr) {
    receiving_.reset();
    refused_.reset();
    --works_;
  }
  destroy_if_over();
}

// What is at the backend refers to this.
void Connection::destroy_if_over() {
  if (closed_ && works_ == 0 && !destroy_.is_posted()) home_.loop.post(destroy_);
}

void Connection::destroy() {
  Home& home = home_;
  delete this;
  home.shared.loops.release(home.loop);
  home.shared.connections.fetch_sub(1, std::memory_order_release);  // the server may be gone now
}

void Connection::on_received(net::Chunk chunk) {
  if (closing_) return;
  if (!chunk.empty()) input_.push_back(std::move(chunk));
  parse();
}

void Connection::on_received_into() {
  if (closing_) return;
  phase_ = Phase::request;
  begin(std::move(receiving_));
  parse();
}

bool Connection::gather(std::size_t count) {
  while (gathered_.size() < count && !input_.empty()) {
    const net::Chunk& chunk = input_.front();
    const std::size_t part = std::min(chunk.bytes().size(), count - gathered_.size());
    gathered_.insert(gathered_.end(), chunk.bytes().begin(),
                     chunk.bytes().begin() + static_cast<std::ptrdiff_t>(part));
    take(part);
  }
  return gathered_.size() == count;
}

void Connection::parse() {
  if (parsing_ || closed_) return;
  parsing_ = true;
  while (!closing_ && step()) {
  }
  parsing_ = false;
  if (!closing_) set_paused(phase_ == Phase::request && !has_room());
}

// False: there is no input, or nobody takes it now.
bool Connection::step() {
  switch (phase_) {
    case Phase::client_flags:
      if (!gather(sizeof(be32))) return false;
      take_client_flags();
      return true;
    case Phase::option:
      if (!gather(sizeof(OptionHead))) return false;
      take_option();
      return true;
    case Phase::option_data:
      if (!gather(option_.length)) return false;
      act_on_option();
      return true;
    case Phase::request:
      if (!has_room()) return false;
      set_paused(false);
      if (!gather(sizeof(Request))) return false;
      take_request();
      return true;
    case Phase::payload:
      return false;
    case Phase::dropping:
      break;
  }
  while (drop_ > 0 && !input_.empty()) {
    const auto part = std::min<std::uint64_t>(drop_, input_.front().bytes().size());
    take(part);
    drop_ -= part;
  }
  if (drop_ > 0) return false;
  phase_ = Phase::request;
  answer(std::move(refused_), refusal_);
  return true;
}

// From the front of the first chunk.
void Connection::take(std::size_t count) {
  input_.front().skip(count);
  if (input_.front().empty()) input_.erase(input_.begin());
}

bool Connection::has_room() const {
  return works_ < kMostWorks && held_bytes_ < kMostBytes;
}

// Input that nobody takes now stays with the kernel.
void Connection::set_paused(bool wanted) {
  if (wanted == paused_) return;
  paused_ = wanted;
  wanted ? stream_->pause() : stream_->resume();
}

}  // namespace weft::nbd
