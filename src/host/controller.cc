#include "host/controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/call.h"
#include "base/check.h"

namespace weft::host {

namespace {

constexpr Duration kFirstDelay = std::chrono::milliseconds(100);  // doubled with each try

}  // namespace

Controller::Controller(Loops& loops, fabric::Initiator& initiator, const Options& options,
                       ControllerObserver& observer)
    : loops_(loops),
      initiator_(initiator),
      options_(options),
      observer_(observer),
      loop_(loops.acquire_least_loaded()),
      admin_(loop_, initiator, options_, Qid(0), *this) {
  step_.controller = this;
  keep_alive_.controller = this;
  for (Own& each : event_requests_) each.controller = this;
  for (Own& each : abort_requests_) each.controller = this;
}

Controller::~Controller() {
  WEFT_CHECK(state_ == State::gone || state_ == State::idle, "a controller is destroyed when it has gone");
  if (options_.queue_loops.empty())
    for (const auto& queue : queues_) loops_.release(queue->loop());
  loops_.release(loop_);
}

void Controller::start() {
  post_call(loop_, [this] {
    lost_at_ = loop_.now();
    delay_ = kFirstDelay;
    if (!stopping_) connect();
  });
}

void Controller::stop() {
  post_call(loop_, [this] { stop_here(); });
}

void Controller::stop_here() {
  if (stopping_) return;
  stopping_ = true;
  why_ = {};
  switch (state_) {
    case State::idle:
    case State::waiting:
      return end();
    case State::connecting:
      return fail({}, true);
    case State::live:
      return shut_down();
    case State::ending:  // goes on
    case State::gone:
      return;
  }
}

void Controller::on_queue_up(Queue& queue, Cntlid cntlid) {
  if (&queue != &admin_) return post_call(loop_, [this] { io_queue_is_up(); });
  cntlid_ = cntlid;
  step(wire::make_property_get({.offset = wire::property::kCap, .size = 8}), nullptr, 0,
       &Controller::have_capabilities, "reading CAP");
}

void Controller::on_queue_failed(Queue& queue, const QueueFailure& failure) {
  if (&queue == &admin_) return fail(failure.why, failure.final);
  post_call(loop_, [this, failure] { fail(failure.why, failure.final); });
}

void Controller::on_queue_closed(Queue& queue) {
  if (&queue == &admin_) return queue_is_closed();
  post_call(loop_, [this] { queue_is_closed(); });
}

void Controller::fail(const Error& why, bool final) {
  if (state_ != State::connecting && state_ != State::live) return;
  const bool was_live = std::exchange(state_, State::ending) == State::live;
  final_ = final || (!was_live_ && !options_.patient);
  if (!stopping_) why_ = why;
  loop_.cancel(poll_);
  loop_.cancel(keep_alive_timer_);
  aborts_.clear();
  if (was_live) {
    lost_at_ = loop_.now();
    delay_ = kFirstDelay;
  }
  if (!final_ && !stopping_ && !std::exchange(told_lost_, true)) observer_.on_lost(why);
  close_queues();
}

// What a queue has told before it was closed comes before that is told.
void Controller::close_queues() {
  if (open_ > 1)
    for (const auto& queue : queues_) post_call(queue->loop(), [its = queue.get()] { its->close(); });
  admin_.close();
}

void Controller::queue_is_closed() {
  if (--open_ != 0) return;
  if (final_ || stopping_ || is_loss_final()) return end();
  state_ = State::waiting;
  loop_.arm(again_, delay_);
  delay_ = std::min(2 * delay_, std::max(options_.reconnect_delay, kFirstDelay));
}

bool Controller::is_loss_final() const {
  return options_.controller_loss_time && loop_.now() - lost_at_ >= *options_.controller_loss_time;
}

void Controller::try_again() {
  if (is_loss_final()) return end();
  connect();
}

// What its queues have posted comes before that is told.
void Controller::end() {
  state_ = State::gone;
  loop_.cancel(again_);
  untold_ = 1;
  for (const auto& queue : queues_) {
    ++untold_;
    post_call(queue->loop(), [this] { post_call(loop_, [this] { told_gone(); }); });
  }
  post_call(loop_, [this] { told_gone(); });
}

void Controller::told_gone() {
  if (--untold_ == 0) observer_.on_gone(why_);  // the end of this object may be near
}

std::uint32_t Controller::max_transfer_bytes() const {
  constexpr unsigned kMostShift = 21;  // 2 MiB: more in one command gains nothing
  constexpr unsigned kDefaultShift = 20;
  if (identify_.mdts == 0) return 1u << kDefaultShift;
  return 1u << std::min(12u + capabilities_.mpsmin + identify_.mdts, kMostShift);
}

}  // namespace weft::host
