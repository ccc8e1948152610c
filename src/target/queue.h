// The target's end of one queue pair: admits commands, keeps the list of those in flight, and ends them when
// the connection or the controller goes.  Belongs to its connection's loop for its life.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/buffer.h"
#include "base/loop.h"
#include "fabric/fabric.h"
#include "target/cid_set.h"
#include "target/command_table.h"
#include "target/counters.h"
#include "target/request.h"
#include "target/view.h"

namespace weft::target {

class Controller;
class FusedPair;
class Port;
class Target;

class Queue final : public fabric::Queue, public ListHook<> {
 public:
  Queue(Port& port, fabric::Connection& connection);

  // --- fabric::Queue
  void receive(fabric::Reply reply) override;
  void disconnected() override;

  // --- for handlers
  Loop& loop() { return loop_; }
  Target& target();
  Port& port() { return port_; }
  void keep_port(std::shared_ptr<Port> port) {
    removed_port_ = std::move(port);
  }  // until this queue has gone
  const fabric::Path& path() const { return path_; }
  Qid qid() const { return qid_; }
  bool is_admin() const { return qid_.value() == 0; }
  bool connected() const { return view_ != nullptr; }  // Connect has succeeded
  bool joined() const { return controller_ != nullptr; }
  Controller& controller() { return *controller_; }  // its state is the admin loop's: see controller.h
  const std::shared_ptr<Controller>& controller_ptr() const { return controller_; }
  SubsystemView& view() { return *view_; }
  // Whose memory a command takes: data in capsules is apart, see BufferPool.
  BufferPool::Party& party(const Request& request) {
    return request.pointer.kind == wire::DataPointer::Kind::in_capsule ? capsule_party_ : party_;
  }
  // How a namespace is reached through this queue's port, as the view's snapshot has it.
  wire::AnaState ana_state(const NamespaceInfo& info);
  std::uint32_t max_transfer_bytes() const { return max_transfer_bytes_; }
  QueueCounters& counters() { return counters_; }
  const QueueCounters& counters() const { return counters_; }
  bool gone() const { return connection_ == nullptr; }

  // Connect goes on: this queue will serve that controller, which is told when the queue leaves.
  void join(std::shared_ptr<Controller> controller, Qid qid);
  // Connect has been accepted; before the answer is sent.
  void bind(const fabric::QueueLimits& limits, bool sq_flow_control, const CommandTable& table);
  // Keeps the queue's memory until unpin(): for messages to other loops that come back.
  void pin() { ++pins_; }
  void unpin();

  // Ends the connection; any thread.
  void close_from(fabric::CloseReason reason);
  void close(fabric::CloseReason reason);  // here

  // Lets commands in flight finish, takes no new ones, then closes.  An admin queue stays until its I/O
  // queues have left: its end would cut them off.  Here.
  void drain(fabric::CloseReason reason);
  void drain_further() {
    if (draining_ && connection_ != nullptr) drain(drain_reason_);
  }

  // Tries to abort the command with this id: true when it ended.
  bool abort(Cid cid);

  // Counts it, and records it in the controller's error log.
  void note_error(const Request& request, wire::Status status, std::uint16_t location);

  // The next SQ head for a completion.
  std::uint16_t next_sqhd();

  // The oldest first.
  const List<Request>& in_flight() const { return in_flight_; }

  // --- for Request
  void remove(Request& request);  // it has ended; frees it

  // --- for FusedPair
  // Each ends the command itself when it returns false.
  bool recognize(Request& request);    // finds its row and its data
  bool meets_needs(Request& request);  // of the row

  void await_changes_of(const block::Backend& backend, std::uint64_t lba, std::uint64_t blocks);

 private:
  ~Queue();
  void dispatch(Request& request);
  void dispatch_fused(Request& request, FusedPair* forming);
  const CommandRow* find_row(const Request& request) const;
  bool take_data_pointer(Request& request);
  bool is_controller_enabled(Request& request);
  void leave_to_next_connection(Request& request);
  void close_now();
  void delete_if_done();

  Port& port_;
  std::shared_ptr<Port> removed_port_;
  Loop& loop_;
  fabric::Connection* connection_;  // null after disconnected
  const fabric::Path path_;
  const wire::SglSupport sgl_support_;
  LoopState& state_;
  std::shared_ptr<Controller> controller_;
  SubsystemView* view_ = nullptr;
  const AnaStates* ana_ = nullptr;  // the snapshot's of `ana_generation_`
  std::uint64_t ana_generation_ = 0;
  const CommandTable* table_ = nullptr;
  Qid qid_;
  std::uint32_t entries_ = CidSet::kLeastRoom;  // until Connect
  std::uint32_t max_transfer_bytes_ = 1u << 20;
  std::uint16_t sqhd_ = 0;
  bool sq_flow_control_ = true;
  BufferPool::Party party_;
  BufferPool::Party capsule_party_;
  List<Request> in_flight_;
  QueueCounters counters_;
  CidSet cids_;
  FusedPair* forming_ = nullptr;  // its second half is to be the next command
  std::uint32_t pins_ = 0;
  bool draining_ = false;
  fabric::CloseReason drain_reason_ = fabric::CloseReason::shutdown;
  bool detached_ = false;  // no controller knows this queue (any more)
  static constexpr std::uint8_t kOpen = 0xFF;
  std::atomic<std::uint8_t> close_reason_{kOpen};
  MemberTask<Queue, &Queue::close_now> close_task_{*this};
};

}  // namespace weft::target
