#include "host/session.h"

#include <utility>

#include "base/run_on.h"
#include "host/execute.h"

namespace weft::host {

Session::Session(Loops& loops, fabric::Initiator& initiator, const Options& options, OnEvent on_event)
    : loops_(loops), controller_(loops, initiator, options, *this), on_event_(std::move(on_event)) {}

Result<std::unique_ptr<Session>> Session::connect(Loops& loops, fabric::Initiator& initiator,
                                                  const Options& options, OnEvent on_event) {
  std::unique_ptr<Session> self(new Session(loops, initiator, options, std::move(on_event)));
  self->controller_.start();
  std::unique_lock lock(self->mutex_);
  self->changed_.wait(lock, [&] { return self->was_live_ || self->gone_; });
  if (self->gone_) return std::unexpected(self->why_);
  return self;
}

Session::~Session() {
  stop();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return gone_; });
  }
  // What was posted before refers to the controller and its queues.
  for (Loop* loop : loops_.all()) run_on(*loop, [] {});
}

void Session::on_live() {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(was_live_, true)) return;
  identity_ = controller_.identity();
  capabilities_ = controller_.capabilities();
  version_ = wire::Version::decode(controller_.version());
  cntlid_ = controller_.cntlid();
  max_transfer_bytes_ = controller_.max_transfer_bytes();
  changed_.notify_all();
}

void Session::on_lost(const Error& why) {
  const std::scoped_lock lock(mutex_);
  ++losses_.count;
  losses_.last = why;
}

void Session::on_event(const wire::AsyncEvent& event) {
  if (on_event_) on_event_(event);
}

void Session::on_gone(const Error& why) {
  const std::scoped_lock lock(mutex_);
  gone_ = true;
  why_ = why;
  changed_.notify_all();
}

Session::Losses Session::losses() const {
  const std::scoped_lock lock(mutex_);
  return losses_;
}

bool Session::is_gone() const {
  const std::scoped_lock lock(mutex_);
  return gone_;
}

Result<wire::Cqe> Session::admin(const wire::Sqe& sqe, std::span<std::byte> data) {
  Queue& queue = controller_.admin_queue();
  return execute(queue.loop(), QueueKind::admin, sqe, data, [&](Command& command) { queue.submit(command); });
}

Result<wire::Cqe> Session::io(const wire::Sqe& sqe, std::span<std::byte> data, std::size_t index) {
  Queue& queue = controller_.io_queue(index);
  return execute(queue.loop(), QueueKind::io, sqe, data, [&](Command& command) { queue.submit(command); });
}

}  // namespace weft::host
