// Keep alive, asynchronous events, aborts.
#include <algorithm>
#include <iterator>

#include "base/call.h"
#include "host/controller.h"

namespace weft::host {

void Controller::start_events() {
  const bool any = (identify_.oaes & ~wire::AsyncEventConfiguration::kSmartMask) != 0;
  const std::size_t count = std::min<std::size_t>(identify_.aerl + 1u, std::size(event_requests_));
  for (Own& each : std::span(event_requests_).first(any ? count : 0)) {
    each.sqe = wire::make_async_event_request();
    each.then = &Controller::on_event_done;
    each.time_limit = Duration::max();
    admin_.submit(each);
  }
  if (options_.keep_alive != Duration{}) loop_.arm(keep_alive_timer_, options_.keep_alive / 2);
}

void Controller::on_event_done(Command& command) noexcept {
  auto& its = static_cast<Own&>(command);
  Controller& self = *its.controller;
  // Aborted: the controller wants no more of them.
  if (!its.ok() || self.state_ != State::live) return;
  const wire::AsyncEvent event = wire::AsyncEvent::decode(its.cqe.dw0());
  self.admin_.submit(its);
  self.observer_.on_event(event);
}

void Controller::on_abort_wanted(Queue& queue, Cid cid) {
  post_call(loop_, [this, wanted = wire::Abort{.sqid = queue.qid(), .cid = cid}] {
    if (state_ != State::live) return;  // its command is lost by itself
    aborts_.push_back(wanted);
    send_aborts();
  });
}

// As many at once as the controller allows (ACL).
void Controller::send_aborts() {
  const std::size_t most = std::min<std::size_t>(identify_.acl + 1u, std::size(abort_requests_));
  for (Own& each : std::span(abort_requests_).first(most)) {
    if (aborts_.empty()) return;
    if (each.under_way) continue;
    each.under_way = true;
    each.sqe = wire::make_abort(aborts_.front());
    aborts_.pop_front();
    each.then = &Controller::on_abort_done;
    admin_.submit(each);
  }
}

// Whether it has aborted the command, that command's own end tells.
void Controller::on_abort_done(Command& command) noexcept {
  auto& its = static_cast<Own&>(command);
  its.under_way = false;
  if (its.controller->state_ == State::live) its.controller->send_aborts();
}

void Controller::on_keep_alive() {
  loop_.arm(keep_alive_timer_, options_.keep_alive / 2);
  if (keep_alive_.under_way) return;  // its time limit tells
  keep_alive_.under_way = true;
  keep_alive_.sqe = wire::make_keep_alive();
  keep_alive_.time_limit = options_.keep_alive;
  keep_alive_.then = &Controller::on_keep_alive_done;
  admin_.submit(keep_alive_);
}

void Controller::on_keep_alive_done(Command& command) noexcept {
  auto& its = static_cast<Own&>(command);
  its.under_way = false;
  if (its.end == fabric::HostCommand::End::completed && !its.ok())
    its.controller->fail(
        {its.error_code(), its.controller->options_.address.subnqn + ": Keep Alive: " + its.failure()},
        false);
}

}  // namespace weft::host
