#include "transports/loop/target_end.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/call.h"
#include "base/check.h"
#include "transports/loop/host_end.h"
#include "transports/loop/shared.h"

namespace weft::loop {

namespace {

// Copies from one list of pieces to another, as much as both hold; how many bytes.
std::uint64_t copy(std::span<const iovec> from, std::span<const iovec> to) {
  std::uint64_t copied = 0;
  std::size_t taken = 0;
  std::size_t filled = 0;
  while (!from.empty() && !to.empty()) {
    const std::size_t part = std::min(from.front().iov_len - taken, to.front().iov_len - filled);
    if (part != 0)
      std::memcpy(static_cast<std::byte*>(to.front().iov_base) + filled,
                  static_cast<const std::byte*>(from.front().iov_base) + taken, part);
    copied += part;
    taken += part;
    filled += part;
    if (taken == from.front().iov_len) from = from.subspan(1), taken = 0;
    if (filled == to.front().iov_len) to = to.subspan(1), filled = 0;
  }
  return copied;
}

}  // namespace

TargetEnd::TargetEnd(Shared& shared, Loop& loop, std::shared_ptr<Origin> origin, HostEnd& host)
    : shared_(shared),
      loop_(loop),
      origin_(std::move(origin)),
      host_(host),
      path_{
          .trtype = wire::TransportType::loop, .adrfam = wire::AddressFamily::loop, .peer = "this process"} {
  shared_.homes[loop.index()]->ends.push_back(*this);
  queue_ = &origin_->acceptor.accept(*this);
}

void TargetEnd::put(Outbox<LoopCommand>& commands) {
  if (inbox_.put(commands)) loop_.post(receive_);
}

void TargetEnd::receive() {
  receive_all();
}

void TargetEnd::receive_all() {
  LoopCommand* next = inbox_.take_all();
  while (next != nullptr) {
    LoopCommand& command = *std::exchange(next, next->next_in_inbox);
    if (closing_) {
      command.lost = true;
      finish(command);
    } else {
      queue_->receive(fabric::Reply(*this, command));
    }
  }
}

void TargetEnd::pull(fabric::Command& base, fabric::Pull& pull) {
  auto& command = static_cast<LoopCommand&>(base);
  (void)copy(command.host.data, pull.into);
  command.pull = &pull;
  pulled_.push_back(command);
  if (!settle_.is_posted()) loop_.defer(settle_);
}

void TargetEnd::complete(fabric::Command& base, const wire::Cqe& cqe) {
  auto& command = static_cast<LoopCommand&>(base);
  command.cqe = cqe;
  finish(command);
}

void TargetEnd::complete(fabric::Command& base, const wire::Cqe& cqe, fabric::DataOut& data) {
  auto& command = static_cast<LoopCommand&>(base);
  if (cqe.decoded_status().ok()) command.moved = copy(data.from, command.host.data);
  command.data_out = &data;
  command.cqe = cqe;
  finish(command);
}

void TargetEnd::abandon(fabric::Command& base) {
  auto& command = static_cast<LoopCommand&>(base);
  command.lost = true;
  finish(command);
}

void TargetEnd::finish(LoopCommand& command) {
  finished_.push_back(command);
  if (!settle_.is_posted()) loop_.defer(settle_);
}

// At the end of a turn: nobody expects to be told of a pull or of released memory while he asks.
void TargetEnd::settle() {
  settle_all();
  destroy_if_over();
}

void TargetEnd::settle_all() {
  while (!pulled_.empty()) {
    LoopCommand& command = pulled_.front();
    pulled_.pop_front();
    fabric::Pull& pull = *std::exchange(command.pull, nullptr);
    pull.done(pull, fabric::Pull::Outcome::ok);
  }
  Outbox<LoopCommand> back;
  while (!finished_.empty()) {
    LoopCommand& command = finished_.front();
    finished_.pop_front();
    if (fabric::DataOut* const data = std::exchange(command.data_out, nullptr)) data->released(*data);
    back.add(command);
    if (back.is_full()) host_.put_back(back);
  }
  if (!back.empty()) host_.put_back(back);
}

void TargetEnd::close(fabric::CloseReason) {
  if (closing_) return;
  closing_ = true;
  loop_.post(end_queue_);
}

void TargetEnd::end_queue() {
  settle_all();
  host_.target_ended();
  if (queue_ != nullptr) std::exchange(queue_, nullptr)->disconnected();
}

void TargetEnd::retire() {
  retired_ = true;
  if (!settle_.is_posted()) loop_.defer(settle_);
}

void TargetEnd::host_closed() {
  host_closed_ = true;
  receive_all();
  close(fabric::CloseReason::host_disconnect);
  if (!settle_.is_posted()) loop_.defer(settle_);
}

void TargetEnd::destroy_if_over() {
  if (!retired_ || !host_closed_ || settle_.is_posted()) return;
  Home& home = *shared_.homes[loop_.index()];
  home.ends.erase(home.ends.iterator_to(*this));
  HostEnd& host = host_;
  Shared& shared = shared_;
  Loop& loop = loop_;
  delete this;
  host.target_gone();
  shared.loops.release(loop);
  shared.connections.fetch_sub(1, std::memory_order_release);  // the transport may be gone now
}

}  // namespace weft::loop
