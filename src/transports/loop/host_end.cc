#include "transports/loop/host_end.h"

#include <cerrno>
#include <utility>

#include "base/call.h"
#include "base/check.h"
#include "base/pieces.h"
#include "transports/loop/shared.h"
#include "wire/sgl.h"

namespace weft::loop {

HostEnd::HostEnd(Shared& shared, Loop& loop, fabric::HostConnectionOwner& owner)
    : shared_(shared), loop_(loop), owner_(owner) {
  loop_.post(connect_);
}

HostEnd::~HostEnd() {
  WEFT_CHECK(state_ == State::closed, "a connection is destroyed after on_closed");
}

void HostEnd::connect() {
  if (closes_) return;
  auto origin = shared_.listening();
  if (origin == nullptr)
    return refuse(ECONNREFUSED, "loop: cannot connect: no port of this process is of type loop");
  shared_.connections.fetch_add(1, std::memory_order_relaxed);
  connecting_ = true;
  Loop& far = shared_.loops.acquire_least_loaded();
  post_call(far, [this, &far, its = std::move(origin)]() mutable {
    TargetEnd* target = nullptr;
    if (!its->closed.load(std::memory_order_acquire)) {
      target = new TargetEnd(shared_, far, std::move(its), *this);  // owned by itself
    } else {
      shared_.loops.release(far);
      shared_.connections.fetch_sub(1, std::memory_order_release);
    }
    post_call(loop_, [this, target] { ready(target); });
  });
}

void HostEnd::refuse(int code, const char* why) {
  state_ = State::ended;
  owner_.on_ended({code, why});
}

void HostEnd::ready(TargetEnd* target) {
  target_ = target;
  connecting_ = false;
  if (closes_) {
    closes_ = false;
    return close();
  }
  if (target == nullptr) return refuse(ECONNREFUSED, "loop: cannot connect: the port is being removed");
  state_ = State::open;
  owner_.on_ready();
}

void HostEnd::submit(fabric::HostCommand& host) {
  WEFT_CHECK(state_ == State::open && !closes_, "commands are submitted to an open connection");
  LoopCommand& command = shared_.homes[loop_.index()]->commands.take(host);
  const auto tag = tags_.take(command);
  WEFT_CHECK(tag.has_value(), "a queue has fewer entries than there are tags");
  command.bytes = total_bytes(host.data);
  host.sqe.cid = *tag;
  wire::set_transport(host.sqe, static_cast<std::uint32_t>(command.bytes));
  command.sqe = host.sqe;
  outbox_.add(command);
  if (outbox_.is_full()) return hand_over();
  if (!hand_over_.is_posted()) loop_.defer(hand_over_);
}

void HostEnd::hand_over() {
  if (!outbox_.empty()) target_->put(outbox_);
}

void HostEnd::put_back(Outbox<LoopCommand>& commands) {
  if (inbox_.put(commands)) loop_.post(take_back_);
}

void HostEnd::take_back() {
  LoopCommand* next = inbox_.take_all();
  while (next != nullptr) {
    LoopCommand& command = *std::exchange(next, next->next_in_inbox);
    fabric::HostCommand& host = command.host;
    host.cqe = command.cqe;
    const bool incomplete = host.direction() == wire::DataDirection::controller_to_host &&
                            command.cqe.decoded_status().ok() && command.moved != command.bytes;
    host.end = command.lost ? fabric::HostCommand::End::lost
               : incomplete ? fabric::HostCommand::End::damaged
                            : fabric::HostCommand::End::completed;
    tags_.give_back(command.sqe.cid);
    shared_.homes[loop_.index()]->commands.give_back(command);
    host.done(host);
  }
}

void HostEnd::target_ended() {
  post_call(loop_, [this] {
    if (state_ == State::open && !closes_) refuse(ECONNRESET, "loop: the target closed the connection");
  });
}

void HostEnd::close() {
  if (closes_) return;
  closes_ = true;
  hand_over();
  if (target_ != nullptr) return post_call(target_->loop(), [target = target_] { target->host_closed(); });
  if (!connecting_) loop_.post(finish_);  // else ready() comes back to this
}

void HostEnd::target_gone() {
  post_call(loop_, [this] { finish(); });
}

void HostEnd::finish() {
  take_back();
  WEFT_CHECK(tags_.taken() == 0, "the target's end gives every command back");
  state_ = State::closed;
  owner_.on_closed();  // may be the end of this object
}

}  // namespace weft::loop
