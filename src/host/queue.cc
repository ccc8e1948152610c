#include "host/queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/planted.h"
#include "wire/nqn.h"
#include "wire/opcodes.h"

namespace weft::host {

namespace {

constexpr Duration kAge = std::chrono::seconds(1);           // how often the time of commands is looked at
constexpr Duration kPause = std::chrono::milliseconds(100);  // before a command is sent again

// Which failures another try may not meet.  Path errors are not among them: another path is the answer.
bool may_pass(wire::Status status) {
  constexpr wire::Status kPassing[] = {wire::status::kCommandInterrupted,
                                       wire::status::kTransientTransportError,
                                       wire::status::kNamespaceNotReady};
  if (status.ok() || status.dnr) return false;
  return std::ranges::any_of(kPassing, [&](wire::Status each) { return each.is(status); });
}

void set_fuse(wire::Sqe& sqe, wire::Fuse fuse) {
  sqe.flags = static_cast<std::uint8_t>((sqe.flags & ~3) | static_cast<int>(fuse));
}

// Another path may have a better answer.
bool is_of_the_path(wire::Status status) {
  return status.sct == static_cast<std::uint8_t>(wire::StatusType::path) && !status.dnr;
}

std::string refusal_text(const Command& connect, std::string_view subnqn) {
  std::string text = fmt::format("{}: the target refuses the connection: {}", subnqn, connect.failure());
  if (connect.end != fabric::HostCommand::End::completed) return text;
  const wire::Status status = connect.cqe.decoded_status();
  if (status.is(wire::status::kConnectInvalidParameters)) {
    const auto where = wire::InvalidParameter::decode(connect.cqe.dw0());
    if (where.in_data && where.offset == wire::connect_field::kSubnqn)
      text += "; it has no such subsystem on this port";
    else
      text += fmt::format("; byte {} of its {}", where.offset, where.in_data ? "data" : "command");
  }
  if (status.is(wire::status::kConnectInvalidHost)) text += "; this host is not on the subsystem's list";
  return text;
}

}  // namespace

Queue::Queue(Loop& loop, fabric::Initiator& initiator, const Options& options, Qid qid, QueueOwner& owner)
    : loop_(loop), initiator_(initiator), options_(options), qid_(qid), owner_(owner) {}

Queue::~Queue() {
  WEFT_CHECK(state_ == State::closed && lost_.empty(), "a queue is destroyed when it is closed");
}

void Queue::open(Cntlid cntlid, const Limits& limits) {
  WEFT_CHECK(state_ == State::closed, "a queue is opened when it is closed");
  state_ = State::connecting;
  cntlid_ = cntlid;
  limits_ = limits;
  connection_ = initiator_.connect(loop_,
                                   {.traddr = options_.address.traddr,
                                    .trsvcid = options_.address.trsvcid,
                                    .header_digest = options_.header_digest,
                                    .data_digest = options_.data_digest},
                                   *this);
}

void Queue::on_ready() {
  connect_data_ = {};
  std::ranges::copy(options_.identity.id, connect_data_.hostid);
  connect_data_.cntlid = cntlid_.value();
  wire::write_terminated(connect_data_.subnqn, options_.address.subnqn);
  wire::write_terminated(connect_data_.hostnqn, options_.identity.nqn);
  connect_piece_ = {&connect_data_, sizeof connect_data_};
  const auto kato = std::chrono::duration_cast<std::chrono::milliseconds>(options_.keep_alive).count();
  connect_.sqe = wire::make_connect({.qid = qid_,
                                     .queue_size = limits_.entries,
                                     .kato_ms = is_admin() ? static_cast<std::uint32_t>(kato) : 0});
  connect_.data = {&connect_piece_, 1};
  connect_.then = &Queue::on_connect_done;
  connect_.tries_left = 0;
  connect_.queue_ = this;
  send(connect_);
}

void Queue::on_connect_done(Command& command) noexcept {
  command.queue_->connected();
}

// That there is no such controller is final for no I/O queue: it has ended between the admin queue's Connect
// and this.
bool Queue::is_refusal_final() const {
  if (connect_.end != fabric::HostCommand::End::completed) return false;
  const wire::Status status = connect_.cqe.decoded_status();
  const bool is_invalid = status.is(wire::status::kConnectInvalidParameters);
  if (is_admin()) return status.dnr || is_invalid;
  const auto field = wire::InvalidParameter::decode(connect_.cqe.dw0());
  return status.dnr && !(is_invalid && field.in_data && field.offset == wire::connect_field::kCntlid);
}

void Queue::connected() {
  if (state_ != State::connecting) return;
  if (!connect_.ok()) {
    return fail({connect_.error_code(), refusal_text(connect_, options_.address.subnqn)}, is_refusal_final());
  }
  state_ = State::up;
  if (!is_admin()) connection_->set_in_capsule_bytes(limits_.in_capsule_bytes);
  owner_.on_queue_up(*this, wire::ConnectResult::decode(connect_.cqe.dw0()).cntlid);
  send_waiting();
}

void Queue::on_ended(const Error& why) {
  fail(why, false);
}

void Queue::fail(const Error& why, bool final) {
  if (state_ != State::connecting && state_ != State::up) return;
  state_ = State::failed;
  owner_.on_queue_failed(*this, {why, final});
}

void Queue::close() {
  if (state_ == State::closed || state_ == State::closing) return;
  state_ = State::closing;
  connection_->close();
}

void Queue::on_closed() {
  connection_.reset();
  state_ = State::closed;
  loop_.cancel(second_);
  loop_.cancel(pause_);
  lost_.splice(lost_.end(), pausing_);
  lost_.splice(lost_.end(), waiting_);
  end_lost();
  owner_.on_queue_closed(*this);
}

void Queue::submit(Command& command) {
  prepare(command);
  if (command.fused_with != nullptr && limits_.entries < 3)
    command.cancelled_ = true;  // no room for a pair, ever
  if (command.cancelled_) return lose(command);
  if (state_ == State::up) {
    command.place_ = Command::Place::waiting;
    waiting_.push_back(command);
    return send_waiting();
  }
  lose(command);
}

void Queue::prepare(Command& command) {
  command.queue_ = this;
  command.cancelled_ = false;
  if (command.fused_with == nullptr) return;
  Command& second = *command.fused_with;
  second.queue_ = this;
  second.first_ = &command;
  command.one_has_ended_ = false;
  set_fuse(command.sqe, wire::Fuse::first);
  set_fuse(second.sqe, wire::Fuse::second);
}

void Queue::cancel(Command& command) {
  if (std::exchange(command.cancelled_, true)) return;
  if (command.place_ == Command::Place::sent) {
    if (command.fused_with != nullptr) owner_.on_abort_wanted(*this, Cid(command.fused_with->sqe.cid));
    return owner_.on_abort_wanted(*this, Cid(command.sqe.cid));
  }
  if (command.place_ != Command::Place::waiting && command.place_ != Command::Place::pausing) return;
  List<Command>& from = command.place_ == Command::Place::waiting ? waiting_ : pausing_;
  from.erase(from.iterator_to(command));
  lose(command);
}

void Queue::lose(Command& command) {
  command.place_ = Command::Place::ending;
  lost_.push_back(command);
  if (!end_lost_.is_posted()) loop_.post(end_lost_);
}

void Queue::send_waiting() {
  while (state_ == State::up && !waiting_.empty()) {
    Command& command = waiting_.front();
    const std::uint32_t places = command.fused_with != nullptr ? 2 : 1;
    if (outstanding_ + places > limits_.entries - 1 + 2 * planted(Bug::too_deep_queue)) return;
    waiting_.pop_front();
    send(command);
    if (command.fused_with != nullptr) send(*command.fused_with);
  }
}

void Queue::send(Command& command) {
  const Duration limit = command.time_limit != Duration{} ? command.time_limit
                         : is_admin()                     ? options_.admin_time
                                                          : options_.io_time;
  command.deadline_ = limit == Duration::max() ? Time::max() : loop_.now() + limit;
  command.done = &Queue::on_done;
  command.place_ = Command::Place::sent;
  in_flight_.push_back(command);
  ++outstanding_;
  if (!second_.is_armed()) loop_.arm(second_, kAge);
  connection_->submit(command);
}

void Queue::on_done(fabric::HostCommand& command) noexcept {
  auto& its = static_cast<Command&>(command);
  its.queue_->ended(its);
}

void Queue::ended(Command& command) {
  in_flight_.erase(in_flight_.iterator_to(command));
  --outstanding_;
  command.place_ = Command::Place::ending;
  if (command.first_ != nullptr) return pair_ended(*command.first_);
  if (command.fused_with != nullptr) return pair_ended(command);
  // Whoever sends it again must find what was submitted before it still before it.
  if (command.end == fabric::HostCommand::End::lost) return lost_.push_back(command);
  if (goes_again(command)) {
    --command.tries_left;
    command.place_ = Command::Place::pausing;
    pausing_.push_back(command);
    if (!pause_.is_armed()) loop_.arm(pause_, kPause);
    return;
  }
  finish(command);
  send_waiting();
}

// What one of them has lost, both do again.
void Queue::pair_ended(Command& first) {
  if (!std::exchange(first.one_has_ended_, true)) return send_waiting();
  first.fused_with->first_ = nullptr;
  first.fused_with->place_ = Command::Place::ended;
  if (first.fused_with->end == fabric::HostCommand::End::lost) first.end = fabric::HostCommand::End::lost;
  if (first.end == fabric::HostCommand::End::lost) return lost_.push_back(first);
  finish(first);
  send_waiting();
}

void Queue::finish(Command& command) {
  command.place_ = Command::Place::ended;
  const auto of_the_path = [](const Command& one) { return is_of_the_path(one.cqe.decoded_status()); };
  const bool failed = command.end == fabric::HostCommand::End::lost || of_the_path(command) ||
                      (command.fused_with != nullptr && of_the_path(*command.fused_with));
  // A Connect is of this path alone.
  const bool may_go_elsewhere = user_ != nullptr && &command != &connect_ && !command.cancelled_;
  if (may_go_elsewhere && failed) return user_->on_path_failed(*this, command);
  command.then(command);
}

bool Queue::goes_again(const Command& command) const {
  if (command.tries_left == 0 || state_ != State::up || command.cancelled_) return false;
  // An Abort that came late, for an earlier command of the same number.
  if (!is_admin() && command.cqe.decoded_status().is(wire::status::kAbortRequested)) return true;
  return command.end == fabric::HostCommand::End::damaged || may_pass(command.cqe.decoded_status());
}

void Queue::on_pause_over() {
  for (Command& each : pausing_) each.place_ = Command::Place::waiting;
  waiting_.splice(waiting_.begin(), pausing_);
  send_waiting();
}

void Queue::end_lost() {
  while (!lost_.empty()) {
    Command& command = lost_.front();
    lost_.pop_front();
    command.end = fabric::HostCommand::End::lost;
    finish(command);
  }
}

void Queue::on_second() {
  if (in_flight_.empty()) return;
  loop_.arm(second_, kAge);
  const Time now = loop_.now();
  for (const Command& command : in_flight_)
    if (command.deadline_ <= now)
      return fail(
          {ETIMEDOUT, fmt::format("{}: queue {}: {} was not answered in time", options_.address.subnqn,
                                  qid_.value(), wire::command_name(command.sqe, is_admin()))},
          false);
}

}  // namespace weft::host
