#include "target/queue.h"

#include "base/call.h"
#include "base/check.h"
#include "base/reached.h"
#include "target/controller.h"
#include "target/io/fused_pair.h"
#include "target/port.h"
#include "target/target.h"
#include "wire/opcodes.h"

namespace weft::target {

using namespace wire::status;

Queue::Queue(Port& port, fabric::Connection& connection)
    : port_(port),
      loop_(connection.loop()),
      connection_(&connection),
      path_(connection.path()),
      sgl_support_(connection.sgl_support()),
      state_(port.target().state(loop_)),
      party_(BufferPool::Party::Kind::admin),
      capsule_party_(BufferPool::Party::Kind::capsule) {
  cids_.resize(entries_);
  state_.queues().push_back(*this);
  target().queue_opened();
}

Queue::~Queue() {
  if (view_ != nullptr) state_.release(*view_);
  target().queue_closed();
}

Target& Queue::target() {
  return port_.target();
}

void Queue::receive(fabric::Reply reply) {
  counters_.commands.add(1);
  if (controller_) controller_->note_traffic();
  Request& request = state_.requests().take(*this, std::move(reply));
  in_flight_.push_back(request);
  if (draining_) {
    WEFT_REACHED("target.command_of_draining_queue");
    return leave_to_next_connection(request);
  }
  dispatch(request);
}

void Queue::dispatch(Request& request) {
  if (cids_.full()) {
    WEFT_REACHED("target.more_commands_than_entries");
    request.complete(kCommandSequenceError.with_dnr());
    return;
  }
  if (!cids_.insert(request.reply.cid())) {
    WEFT_REACHED("target.command_id_taken");
    request.complete(kCommandIdConflict.with_dnr());
    return;
  }
  request.counted = true;
  if (request.sqe().fuse() != wire::Fuse::none || forming_ != nullptr)
    return dispatch_fused(request, std::exchange(forming_, nullptr));
  if (recognize(request) && meets_needs(request)) request.row->handler(request);
}

void Queue::dispatch_fused(Request& request, FusedPair* forming) {
  const wire::Fuse fuse = request.sqe().fuse();
  if (forming != nullptr && fuse == wire::Fuse::second) return forming->join(request);
  if (forming != nullptr) forming->stay_alone();
  const bool is_possible = connected() && !is_admin();
  if (fuse == wire::Fuse::none) {
    if (recognize(request) && meets_needs(request)) request.row->handler(request);
  } else if (fuse == wire::Fuse::second && is_possible) {
    request.complete(kAbortedMissingFused.with_dnr());
  } else if (fuse == wire::Fuse::first && is_possible && FusedPair::may_begin(request.sqe())) {
    forming_ = new FusedPair(request);
    forming_->begin();
  } else {
    request.complete(wire::CommandError{kInvalidField.with_dnr(), 1, 0});
  }
}

bool Queue::recognize(Request& request) {
  if (!connected() && request.sqe().opcode != wire::kFabricsOpcode) {
    WEFT_REACHED("target.command_before_connect");
    request.complete(kCommandSequenceError.with_dnr());
    return false;
  }
  request.row = find_row(request);
  if (request.row == nullptr) {
    WEFT_REACHED("target.opcode_unknown");
    request.complete(wire::CommandError{kInvalidOpcode.with_dnr(), 0, 0});
    return false;
  }
  return take_data_pointer(request);
}

const CommandRow* Queue::find_row(const Request& request) const {
  const wire::Sqe& sqe = request.sqe();
  if (sqe.opcode == wire::kFabricsOpcode) return fabrics_commands().find(sqe.fctype());
  return table_ != nullptr ? table_->find(sqe.opcode) : nullptr;
}

bool Queue::take_data_pointer(Request& request) {
  const wire::Sqe& sqe = request.sqe();
  const std::uint8_t code = sqe.opcode == wire::kFabricsOpcode ? sqe.fctype() : sqe.opcode;
  if (wire::data_direction(code) == wire::DataDirection::none) return true;
  auto pointer = wire::parse_data_pointer(sqe, sgl_support_);
  if (pointer) pointer = wire::check_in_capsule(*pointer, request.reply.in_capsule_bytes());
  if (!pointer) {
    WEFT_REACHED("target.data_pointer_refused");
    request.complete(pointer.error());
    return false;
  }
  if (wire::data_direction(code) == wire::DataDirection::controller_to_host && pointer->length > 0 &&
      pointer->kind == wire::DataPointer::Kind::in_capsule) {
    WEFT_REACHED("target.answer_wished_in_capsule");
    request.complete(wire::CommandError{kSglDescriptorTypeInvalid.with_dnr(), 39, 0});
    return false;
  }
  if (pointer->length > max_transfer_bytes_) {
    WEFT_REACHED("target.transfer_too_long");
    request.complete(wire::CommandError{kInvalidField.with_dnr(), 32, 0});
    return false;
  }
  request.pointer = *pointer;
  return true;
}

bool Queue::meets_needs(Request& request) {
  const Need needs = request.row->needs;
  if (has(needs, Need::connected) && !connected()) {
    WEFT_REACHED("target.not_connected");
    request.complete(kCommandSequenceError.with_dnr());
    return false;
  }
  if (has(needs, Need::enabled) && !is_controller_enabled(request)) return false;
  if (!has(needs, Need::namespace_live)) return true;
  NamespaceView* ns = view_->find(Nsid(request.sqe().nsid));
  if (ns == nullptr) {
    WEFT_REACHED("target.no_namespace");
    request.complete(wire::CommandError{kInvalidNamespace.with_dnr(), 4, 0});
    return false;
  }
  if (const wire::Status refused = ana_status(ana_state(ns->info())); !refused.ok()) {
    WEFT_REACHED("target.path_inaccessible");
    request.complete(refused);
    return false;
  }
  if (has(needs, Need::write_access) && ns->info().read_only) {
    WEFT_REACHED("target.write_to_read_only");
    request.complete(kNamespaceWriteProtected.with_dnr());
    return false;
  }
  request.ns = ns;
  ns->enter();
  return true;
}

bool Queue::is_controller_enabled(Request& request) {
  const ControllerState state = controller_->state();
  if (state == ControllerState::ready) return true;
  if (state == ControllerState::ending) {
    WEFT_REACHED("target.controller_is_ending");
    leave_to_next_connection(request);
  } else {
    WEFT_REACHED("target.not_enabled");
    request.complete(kCommandSequenceError.with_dnr());
  }
  return false;
}

// Never answered: the connection is about to end, and an error would be final where another try is not.
void Queue::leave_to_next_connection(Request& request) {
  request.park(nullptr);
}

wire::AnaState Queue::ana_state(const NamespaceInfo& info) {
  const Snapshot& snapshot = view_->snapshot();
  if (ana_generation_ != snapshot.generation) {
    ana_ = &snapshot.ana_of(port_.options().id);
    ana_generation_ = snapshot.generation;
  }
  return ana_->of(info.ana_group);
}

std::uint16_t Queue::next_sqhd() {
  if (!sq_flow_control_) return 0xFFFF;
  sqhd_ = static_cast<std::uint16_t>((sqhd_ + 1u) % entries_);
  return sqhd_;
}

void Queue::note_error(const Request& request, wire::Status status, std::uint16_t location) {
  counters_.errors.add(1);
  // A path error says something of the way here, and an abort was wished for: neither is the command's.
  if (!controller_ || status.sct == static_cast<std::uint8_t>(wire::StatusType::path) ||
      status.is(kAbortRequested))
    return;
  const wire::Sqe& sqe = request.sqe();
  controller_->error_log().add({.sqid = qid_,
                                .cid = request.reply.cid(),
                                .status = status,
                                .location = location,
                                .lba = request.io.lba,
                                .nsid = Nsid(sqe.nsid),
                                .opcode = sqe.opcode});
}

void Queue::remove(Request& request) {
  in_flight_.erase(in_flight_.iterator_to(request));
  if (request.counted) cids_.erase(request.cid);
  state_.requests().give_back(request);
  drain_further();
  delete_if_done();
}

void Queue::join(std::shared_ptr<Controller> controller, Qid qid) {
  controller_ = std::move(controller);
  qid_ = qid;
}

void Queue::bind(const fabric::QueueLimits& limits, bool sq_flow_control, const CommandTable& table) {
  view_ = &state_.use(controller_->subsystem().shared_from_this());
  table_ = &table;
  entries_ = limits.entries;
  max_transfer_bytes_ = limits.max_transfer_bytes;
  sq_flow_control_ = sq_flow_control;
  party_.set_kind(qid_.value() == 0 ? BufferPool::Party::Kind::admin : BufferPool::Party::Kind::io);
  // Connect itself is in flight, and perhaps others that came before it was decided.
  cids_.resize(entries_);
  for (const Request& request : in_flight_)
    if (request.counted) cids_.insert(request.cid);
  connection_->established(limits);
}

void Queue::close(fabric::CloseReason reason) {
  if (connection_ != nullptr) connection_->close(reason);
}

void Queue::close_from(fabric::CloseReason reason) {
  std::uint8_t open = kOpen;
  if (close_reason_.compare_exchange_strong(open, static_cast<std::uint8_t>(reason))) loop_.post(close_task_);
}

void Queue::close_now() {
  close(static_cast<fabric::CloseReason>(close_reason_.load()));
  delete_if_done();
}

void Queue::drain(fabric::CloseReason reason) {
  draining_ = true;
  drain_reason_ = reason;
  for (const Request& request : in_flight_)
    if (request.state != Request::State::parked) return;
  if (is_admin() && joined() && controller_->has_io_queues()) return;
  close(reason);
}

void Queue::await_changes_of(const block::Backend& backend, std::uint64_t lba, std::uint64_t blocks) {
  for (Request& request : in_flight_) request.await_if_changing(backend, lba, blocks);
}

void Queue::disconnected() {
  fabric::Connection& connection = *std::exchange(connection_, nullptr);
  if (forming_ != nullptr) std::exchange(forming_, nullptr)->forget_queue();
  ++pins_;  // requests that end below must not take the queue along
  for (auto it = in_flight_.begin(); it != in_flight_.end();) (it++)->connection_lost();
  connection.retire();
  if (controller_) {
    Controller& controller = *controller_;
    post_call(controller.loop(), [this, &controller] {
      controller.detach(*this, qid_);
      post_call(loop_, [this] {
        detached_ = true;
        delete_if_done();
      });
    });
  } else {
    detached_ = true;
  }
  unpin();
}

void Queue::unpin() {
  --pins_;
  delete_if_done();
}

void Queue::delete_if_done() {
  if (connection_ != nullptr || !detached_ || pins_ > 0 || !in_flight_.empty() || close_task_.is_posted())
    return;
  state_.queues().erase(state_.queues().iterator_to(*this));
  delete this;
}

bool Queue::abort(Cid cid) {
  for (Request& request : in_flight_)
    if (request.reply.pending() && request.reply.cid() == cid) return request.try_abort();
  return false;
}

}  // namespace weft::target
