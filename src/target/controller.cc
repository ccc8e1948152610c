#include "target/controller.h"

#include "base/call.h"
#include "base/check.h"
#include "base/dice.h"
#include "base/planted.h"
#include "base/reached.h"
#include "target/port.h"
#include "target/queue.h"
#include "target/shutdown_flush.h"
#include "target/target.h"

namespace weft::target {

using namespace wire::status;

namespace {

constexpr std::uint8_t kReadyTimeout = 30;  // CAP.TO and CRTO, in 500 ms

}  // namespace

Controller::Controller(std::shared_ptr<Subsystem> subsystem, HostIdentity host, Queue& admin_queue)
    : subsystem_(std::move(subsystem)),
      host_(std::move(host)),
      port_(admin_queue.port().options().id),
      host_traddr_(admin_queue.path().peer),
      loop_(admin_queue.loop()),
      settings_(subsystem_->settings()),
      born_(loop_.now()),
      queues_(1, &admin_queue) {}

Controller::~Controller() = default;

wire::Cap Controller::capabilities() const {
  wire::Cap cap;
  cap.max_queue_entries = settings_.queue_entries;
  cap.to = kReadyTimeout;
  cap.css = is_discovery() ? wire::Cap::kCssNvm : wire::Cap::kCssNvm | wire::Cap::kCssIocs;
  cap.crms = 1;
  return cap;
}

std::uint64_t Controller::read_property(std::uint32_t offset, std::uint8_t size, bool& known) const {
  using namespace wire::property;
  known = true;
  if (offset == kCap && size == 8) return capabilities().encode();
  if (size == 4) {
    switch (offset) {
      case kVs:
        return settings_.version.encode();
      case kCc:
        return cc_.encode();
      case kCsts:
        return csts_.encode();
      case kCrto:
        return wire::Crto{.crwmt = kReadyTimeout, .crimt = 0}.encode();
      default:
        break;
    }
  }
  known = false;
  return 0;
}

bool Controller::write_property(std::uint32_t offset, std::uint8_t size, std::uint64_t value) {
  if (offset != wire::property::kCc || size != 4) return false;
  write_cc(wire::Cc::decode(static_cast<std::uint32_t>(value)));
  return true;
}

void Controller::write_cc(wire::Cc next) {
  const wire::Cc before = cc_;
  cc_ = next;
  if (next.en && !before.en) enable(next);
  if (!next.en && before.en) disable();
  if (next.shn != wire::ShutdownNotification::none && before.shn == wire::ShutdownNotification::none)
    start_shutdown(next.shn);
  if (next.shn == wire::ShutdownNotification::none && before.shn != wire::ShutdownNotification::none)
    csts_.shst = wire::ShutdownStatus::normal;
  update_state();
}

void Controller::enable(wire::Cc next) {
  const bool sizes = is_discovery() || (next.iosqes == 6 && next.iocqes == 4);
  const bool command_set =
      next.css == wire::Cc::kCssNvm || (next.css == wire::Cc::kCssAll && !is_discovery());
  if (!sizes || !command_set || next.mps != 0 || next.ams != 0) {
    WEFT_REACHED("target.enable_refused");
    csts_.cfs = true;
    return;
  }
  csts_.cfs = false;
  csts_.rdy = true;
  csts_.shst = wire::ShutdownStatus::normal;
}

void Controller::disable() {
  // CSTS.RDY stays until the last I/O queue has left: see detach.
  csts_.cfs = false;
  close_io_queues(fabric::CloseReason::controller_end);
  if (!has_io_queues()) csts_.rdy = false;
  features_ = FeatureValues{};
  set_write_cache(true);
}

void Controller::start_shutdown(wire::ShutdownNotification kind) {
  csts_.shst = wire::ShutdownStatus::occurring;
  update_state();
  if (kind != wire::ShutdownNotification::normal || is_discovery()) {
    shutdown_finished(true);
    return;
  }
  ShutdownFlush::start(shared_from_this(), *queues_[0]);
}

void Controller::shutdown_finished(bool ok) {
  if (ok) {
    csts_.shst = wire::ShutdownStatus::complete;
  } else {
    WEFT_REACHED("target.shutdown_not_flushed");
    csts_.cfs = true;  // what the host wrote is not safe: the shutdown does not complete
  }
  update_state();
}

void Controller::update_state() {
  const auto next = [this] {
    if (ended_) return ControllerState::ending;
    if (csts_.cfs) return ControllerState::fatal;
    if (csts_.shst == wire::ShutdownStatus::occurring) return ControllerState::shutdown_occurring;
    if (csts_.shst == wire::ShutdownStatus::complete) return ControllerState::shutdown_complete;
    return cc_.en && csts_.rdy ? ControllerState::ready : ControllerState::disabled;
  };
  state_.store(next(), std::memory_order_release);
}

ControllerInfo Controller::info() const {
  return {.host = host_,
          .host_traddr = host_traddr_,
          .port = port_,
          .keep_alive_ms = keep_alive_ms(),
          .io_queues = io_queues_.load(std::memory_order_relaxed),
          .state = state()};
}

void Controller::set_keep_alive(std::uint32_t kato_ms) {
  kato_ms_.store(kato_ms, std::memory_order_relaxed);
  loop_.cancel(keep_alive_timer_);
  if (kato_ms != 0 && !ended_) loop_.arm(keep_alive_timer_, std::chrono::milliseconds(kato_ms));
}

void Controller::check_keep_alive() {
  if (traffic_.exchange(false, std::memory_order_relaxed) || planted(Bug::immortal_host)) {
    loop_.arm(keep_alive_timer_, std::chrono::milliseconds(keep_alive_ms()));
    return;
  }
  WEFT_REACHED("target.keep_alive_expired");
  csts_.cfs = true;
  end(fabric::CloseReason::controller_end);
}

wire::Status Controller::attach(Queue& queue, Qid qid) {
  if (ended_) {
    WEFT_REACHED("target.controller_ended_before_queue_came");
    return kConnectInvalidParameters;  // while its host was connecting
  }
  if (!is_enabled()) {
    WEFT_REACHED("target.queue_of_disabled_controller");
    return kConnectInvalidParameters.with_dnr();
  }
  const std::size_t index = qid.value();
  if (index < queues_.size() && queues_[index] != nullptr) {
    WEFT_REACHED("target.queue_id_taken");
    return kCommandSequenceError.with_dnr();
  }
  if (index >= queues_.size()) queues_.resize(index + 1, nullptr);
  queues_[index] = &queue;
  io_queues_.fetch_add(1, std::memory_order_relaxed);
  return kSuccess;
}

void Controller::detach(Queue& queue, Qid qid) {
  const std::size_t index = qid.value();
  if (index >= queues_.size() || queues_[index] != &queue) {
    WEFT_REACHED("target.queue_was_not_attached");
    return;
  }
  past_.add(queue.counters());
  queues_[index] = nullptr;
  if (index == 0)
    end(fabric::CloseReason::controller_end);
  else
    io_queues_.fetch_sub(1, std::memory_order_relaxed);
  if (!has_io_queues()) {
    if (!cc_.en) csts_.rdy = false;
    if (queues_[0] != nullptr) queues_[0]->drain_further();
  }
  leave_if_empty();
}

void Controller::close_io_queues(fabric::CloseReason reason) {
  for (std::size_t qid = 1; qid < queues_.size(); ++qid)
    if (queues_[qid] != nullptr) queues_[qid]->close_from(reason);
}

void Controller::end(fabric::CloseReason reason) {
  if (ended_) return;
  ended_ = true;
  update_state();
  loop_.cancel(keep_alive_timer_);
  close_io_queues(reason);
  if (queues_[0] != nullptr) queues_[0]->close(reason);
}

void Controller::end_from(fabric::CloseReason reason, Pin pin) {
  post_call(loop_, [self = shared_from_this(), reason, pin = std::move(pin)]() mutable {
    if (!self->left_) self->pins_.push_back(std::move(pin));
    self->end(reason);
    self->leave_if_empty();
  });
}

void Controller::leave_if_empty() {
  if (!ended_ || left_) return;
  for (const Queue* queue : queues_)
    if (queue != nullptr) return;
  left_ = true;
  pins_.clear();
  subsystem_->remove_controller(cntlid_);
}

void Controller::namespaces_changed_from(std::vector<Nsid> nsids) {
  post_call(loop_, [self = shared_from_this(), nsids = std::move(nsids)] {
    for (const Nsid nsid : nsids) self->events_.note_changed(nsid);
  });
  raise_from(wire::AsyncEventConfiguration::kNamespaceAttribute, wire::kNamespaceChangedEvent);
}

void Controller::ana_changed_from() {
  raise_from(wire::AsyncEventConfiguration::kAnaChange, wire::kAnaChangeEvent);
}

void Controller::discovery_changed_from() {
  raise_from(wire::AsyncEventConfiguration::kDiscoveryLogChange, wire::kDiscoveryChangeEvent);
}

// When the host has asked for it.
void Controller::raise_from(std::uint32_t wanted, wire::AsyncEvent event) {
  post_call(loop_, [self = shared_from_this(), wanted, event] {
    const wire::AsyncEventConfiguration configured{self->features_.async_event_configuration};
    if (planted(Bug::lost_event) && self->loop_.dice().one_in(4)) return;
    if (!self->ended_ && configured.has(wanted)) self->events_.raise(event);
  });
}

IoTotals Controller::totals() const {
  IoTotals totals = past_;
  for (const Queue* queue : queues_)
    if (queue != nullptr) totals.add(queue->counters());
  return totals;
}

std::uint64_t Controller::started_seconds_ago() const {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(loop_.now() - born_).count());
}

}  // namespace weft::target
