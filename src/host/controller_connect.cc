// The steps from the first Connect to live, and the way down.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/call.h"
#include "host/controller.h"
#include "wire/nqn.h"

namespace weft::host {

namespace {

constexpr std::uint32_t kAdminEntries = 32;
constexpr Duration kPoll = std::chrono::milliseconds(10);
constexpr Duration kShutdownTime = std::chrono::seconds(5);
constexpr std::uint32_t kWantedEvents = wire::AsyncEventConfiguration::kNamespaceAttribute |
                                        wire::AsyncEventConfiguration::kAnaChange |
                                        wire::AsyncEventConfiguration::kDiscoveryLogChange;

}  // namespace

void Controller::connect() {
  state_ = State::connecting;
  open_ = 1;
  up_ = 0;
  admin_.open(kDynamicController, {.entries = kAdminEntries});
}

// Sends one admin command, and goes on with `next` when it has succeeded.
void Controller::step(const wire::Sqe& sqe, void* data, std::size_t bytes, Next next, const char* what) {
  step_.sqe = sqe;
  step_.piece = {data, bytes};
  step_.data = {&step_.piece, bytes != 0 ? std::size_t{1} : std::size_t{0}};
  step_.next = next;
  step_.what = what;
  step_.then = &Controller::on_step;
  admin_.submit(step_);
}

void Controller::on_step(Command& command) noexcept {
  auto& its = static_cast<Step&>(command);
  Controller& self = *its.controller;
  // A lost one was told of by its queue.
  if (its.end == fabric::HostCommand::End::lost) return;
  if (self.state_ != State::connecting && self.state_ != State::live) return;
  if (its.ok()) return (self.*its.next)();
  self.fail(
      {its.error_code(), fmt::format("{}: {}: {}", self.options_.address.subnqn, its.what, its.failure())},
      its.cqe.decoded_status().dnr);
}

void Controller::have_capabilities() {
  capabilities_ = wire::Cap::decode(step_.cqe.result);
  step(wire::make_property_get({.offset = wire::property::kVs}), nullptr, 0, &Controller::have_version,
       "reading VS");
}

void Controller::have_version() {
  version_ = step_.cqe.dw0();
  step(wire::make_property_set({.offset = wire::property::kCc, .value = configuration().encode()}), nullptr,
       0, &Controller::enabled, "enabling the controller");
}

// CC of a controller that is in use.
wire::Cc Controller::configuration() const {
  wire::Cc cc{.en = true, .iosqes = 6, .iocqes = 4};
  if ((capabilities_.css & wire::Cap::kCssNvm) == 0) cc.css = wire::Cc::kCssAll;
  return cc;
}

void Controller::enabled() {
  constexpr Duration kUnit = std::chrono::milliseconds(500);
  ready_by_ = loop_.now() + kUnit * std::max<unsigned>(capabilities_.to, 1);
  look_ready();
}

void Controller::look_ready() {
  step(wire::make_property_get({.offset = wire::property::kCsts}), nullptr, 0, &Controller::have_status,
       "reading CSTS");
}

void Controller::have_status() {
  const wire::Csts csts = wire::Csts::decode(step_.cqe.dw0());
  const std::string& name = options_.address.subnqn;
  if (csts.cfs) return fail({EIO, fmt::format("{}: the controller reports a fatal error", name)}, false);
  if (!csts.rdy) {
    if (loop_.now() < ready_by_) return loop_.arm(poll_, kPoll);
    return fail({ETIMEDOUT, fmt::format("{}: the controller did not become ready in time", name)}, false);
  }
  step(wire::make_identify({.cns = static_cast<std::uint8_t>(wire::IdentifyCns::controller)}), &identify_,
       sizeof identify_, &Controller::have_identity, "Identify Controller");
}

void Controller::have_identity() {
  if (options_.io_queues == 0) return have_queue_count();
  const wire::NumberOfQueues wanted{.submission = options_.io_queues, .completion = options_.io_queues};
  step(wire::make_set_features(
           {.fid = static_cast<std::uint8_t>(wire::FeatureId::number_of_queues), .cdw11 = wanted.encode()}),
       nullptr, 0, &Controller::have_queue_count, "asking for queues");
}

void Controller::have_queue_count() {
  if (options_.io_queues != 0) {
    const auto granted = wire::NumberOfQueues::decode(step_.cqe.dw0());
    const std::size_t count =
        std::min({granted.submission, granted.completion, std::uint32_t{options_.io_queues}});
    if (count < queues_.size())
      return fail({EAGAIN, fmt::format("{}: the controller grants {} queues, and had granted {}",
                                       options_.address.subnqn, count, queues_.size())},
                  false);
    if (queues_.empty()) make_queues(count);
  }
  const std::uint32_t events = identify_.oaes & kWantedEvents;
  if (events == 0) return have_events_configured();
  step(wire::make_set_features(
           {.fid = static_cast<std::uint8_t>(wire::FeatureId::async_event_configuration), .cdw11 = events}),
       nullptr, 0, &Controller::have_events_configured, "asking for events");
}

// Once: others refer to them.
void Controller::make_queues(std::size_t count) {
  while (queues_.size() < count)
    queues_.push_back(std::make_unique<Queue>(loop_for(queues_.size()), initiator_, options_,
                                              Qid(static_cast<std::uint16_t>(queues_.size() + 1)),
                                              static_cast<QueueOwner&>(*this)));
}

void Controller::have_events_configured() {
  if (queues_.empty()) return go_live();
  open_ += static_cast<unsigned>(queues_.size());
  const std::uint32_t capsule = identify_.ioccsz * 16u;
  const std::uint32_t in_capsule =
      capsule > sizeof(wire::Sqe) ? capsule - static_cast<std::uint32_t>(sizeof(wire::Sqe)) : 0;
  for (const auto& queue : queues_)
    post_call(queue->loop(),
              [its = queue.get(), cntlid = cntlid_,
               limits = Queue::Limits{.entries = entries(options_.queue_entries),
                                      .in_capsule_bytes = in_capsule}] { its->open(cntlid, limits); });
}

Loop& Controller::loop_for(std::size_t queue) {
  if (options_.queue_loops.empty()) return loops_.acquire_least_loaded();
  return *options_.queue_loops[queue % options_.queue_loops.size()];
}

std::uint32_t Controller::entries(std::uint32_t wanted) const {
  constexpr std::uint32_t kFewest = 2;
  return std::clamp(wanted, kFewest, std::max(capabilities_.max_queue_entries, kFewest));
}

void Controller::io_queue_is_up() {
  if (state_ == State::connecting && ++up_ == queues_.size()) go_live();
}

void Controller::go_live() {
  state_ = State::live;
  was_live_ = true;
  told_lost_ = false;
  start_events();
  observer_.on_live();
}

// Normal shutdown.  That it is complete is not waited for: commands have ended, and a target that keeps data
// in memory flushes it by itself.
void Controller::shut_down() {
  wire::Cc cc = configuration();
  cc.shn = wire::ShutdownNotification::normal;
  loop_.cancel(keep_alive_timer_);
  step_.time_limit = kShutdownTime;  // a target that hangs is left alone
  step(wire::make_property_set({.offset = wire::property::kCc, .value = cc.encode()}), nullptr, 0,
       &Controller::shut, "shutting the controller down");
}

void Controller::shut() {
  fail({}, true);
}

}  // namespace weft::host
