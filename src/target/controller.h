// A controller of the dynamic model (NVMe Base 2.1, section 3.1): made by the Connect of an admin queue, gone
// with it. Its state belongs to the loop of its admin queue ("here"); other loops send it messages.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/loop.h"
#include "fabric/fabric.h"
#include "target/command_table.h"
#include "target/controller_info.h"
#include "target/counters.h"
#include "target/error_log.h"
#include "target/events.h"
#include "target/feature_values.h"
#include "target/subsystem.h"
#include "wire/properties.h"

namespace weft::target {

class Queue;
class ShutdownFlush;

class Controller : public std::enable_shared_from_this<Controller> {
 public:
  Controller(std::shared_ptr<Subsystem> subsystem, HostIdentity host, Queue& admin_queue);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // --- fixed: any thread
  Subsystem& subsystem() const { return *subsystem_; }
  const HostIdentity& host() const { return host_; }
  PortId port() const { return port_; }
  Cntlid cntlid() const { return cntlid_; }
  void set_cntlid(Cntlid cntlid) { cntlid_ = cntlid; }  // once, as the subsystem adds it
  Loop& loop() const { return loop_; }
  bool is_discovery() const { return subsystem_->kind() == Subsystem::Kind::discovery; }
  ErrorLog& error_log() { return error_log_; }
  // Any thread.
  ControllerState state() const { return state_.load(std::memory_order_acquire); }
  // CC.EN and CSTS.RDY are set, and no shutdown or fatal error.
  bool is_enabled() const { return state() == ControllerState::ready; }
  ControllerInfo info() const;

  // Feature 06h: with the cache off every write is made durable before it completes.  Read by I/O queues, any
  // thread.
  bool write_cache() const { return write_cache_.load(std::memory_order_acquire); }
  void set_write_cache(bool on) { write_cache_.store(on, std::memory_order_release); }

  // --- messages: any thread
  // `pin` is held until the last queue has left.
  void end_from(fabric::CloseReason reason, Pin pin);
  void namespaces_changed_from(std::vector<Nsid> nsids);
  void ana_changed_from();
  void discovery_changed_from();

  // --- here
  const SubsystemSettings& settings() const { return settings_; }  // as they were at Connect
  wire::Cap capabilities() const;
  std::uint64_t read_property(std::uint32_t offset, std::uint8_t size, bool& known) const;
  bool write_property(std::uint32_t offset, std::uint8_t size,
                      std::uint64_t value);  // false: no such property
  FeatureValues& features() { return features_; }
  Events& events() { return events_; }
  Queue* admin_queue() { return queues_[0]; }
  Queue* queue(Qid qid) { return qid.value() < queues_.size() ? queues_[qid.value()] : nullptr; }
  IoTotals totals() const;
  std::uint64_t started_seconds_ago() const;

  // Keep alive (section 3.9): the timer starts anew.
  void set_keep_alive(std::uint32_t kato_ms);
  std::uint32_t keep_alive_ms() const { return kato_ms_.load(std::memory_order_relaxed); }
  void keep_alive() { note_traffic(); }

  // An I/O queue wants in.  A status other than success refuses it.
  wire::Status attach(Queue& queue, Qid qid);
  void detach(Queue& queue, Qid qid);
  bool has_io_queues() const { return io_queues_.load(std::memory_order_relaxed) != 0; }

  // Ends all connections of the controller; it is gone when the last has left.
  void end(fabric::CloseReason reason);
  bool ended() const { return ended_; }

  // Commands of any queue count as traffic.  Any thread.
  void note_traffic() {
    if (!traffic_.load(std::memory_order_relaxed)) traffic_.store(true, std::memory_order_relaxed);
  }

 private:
  friend class ShutdownFlush;
  void raise_from(std::uint32_t wanted, wire::AsyncEvent event);
  void write_cc(wire::Cc next);
  void enable(wire::Cc next);
  void disable();
  void start_shutdown(wire::ShutdownNotification kind);
  void shutdown_finished(bool ok);
  void update_state();
  void check_keep_alive();
  void close_io_queues(fabric::CloseReason reason);
  void leave_if_empty();

  const std::shared_ptr<Subsystem> subsystem_;
  const HostIdentity host_;
  const PortId port_;
  const std::string host_traddr_;
  Loop& loop_;
  Cntlid cntlid_;
  const SubsystemSettings settings_;
  const Time born_;
  wire::Cc cc_;
  wire::Csts csts_;
  std::atomic<ControllerState> state_{ControllerState::disabled};
  bool ended_ = false;
  bool left_ = false;
  std::vector<Pin> pins_;       // of those who wait for the end
  std::vector<Queue*> queues_;  // by qid
  std::atomic<std::uint16_t> io_queues_{0};
  IoTotals past_;  // of queues that have left
  FeatureValues features_;
  Events events_;
  ErrorLog error_log_;
  std::atomic<std::uint32_t> kato_ms_{0};
  std::atomic<bool> traffic_{false};
  std::atomic<bool> write_cache_{true};
  MemberTimer<Controller, &Controller::check_keep_alive> keep_alive_timer_{*this};
};

}  // namespace weft::target
