// A controller as a host has it: the admin queue on one loop, I/O queues on their own, kept alive, and
// connected again when it was lost (NVMe Base 2.1, sections 3.5 and 6.3).
//
//   controller.cc          life: what ends it, and when it is tried again
//   controller_connect.cc  the steps from the first Connect to live
//   controller_events.cc   keep alive, asynchronous events, aborts
//
// A first try that fails, unless the options say otherwise, and a refusal with Do Not Retry at any time are
// final.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/loop.h"
#include "base/result.h"
#include "fabric/initiator.h"
#include "host/command.h"
#include "host/options.h"
#include "host/queue.h"
#include "wire/admin_command.h"
#include "wire/identify.h"
#include "wire/properties.h"

namespace weft::host {

// Told on the controller's loop.
class ControllerObserver {
 public:
  virtual void on_live() = 0;                  // at first and after each reconnection
  virtual void on_lost(const Error& why) = 0;  // or not reached at first; it is tried again
  virtual void on_event(const wire::AsyncEvent& event) = 0;
  virtual void on_gone(const Error& why) = 0;  // for good; the last call.  code 0: stop() was called

 protected:
  ~ControllerObserver() = default;
};

class Controller final : private QueueOwner {
 public:
  Controller(Loops& loops, fabric::Initiator& initiator, const Options& options,
             ControllerObserver& observer);
  // After on_gone, and off the loops when what was posted there has run.
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Any thread.
  void start();
  void stop();  // shuts the controller down if it is live, and disconnects; on_gone follows
  Loop& loop() const { return loop_; }
  const Options& options() const { return options_; }

  // From on_live on; the numbers do not change when it is connected again.  Any thread.
  Queue& admin_queue() { return admin_; }
  std::size_t io_queues() const { return queues_.size(); }
  Queue& io_queue(std::size_t index) { return *queues_.at(index); }

  // As of the last time that it became live.  On its loop.
  const wire::IdentifyController& identity() const { return identify_; }
  const wire::Cap& capabilities() const { return capabilities_; }
  std::uint32_t version() const { return version_; }
  Cntlid cntlid() const { return cntlid_; }
  // Of one command; bytes.
  std::uint32_t max_transfer_bytes() const;

 private:
  enum class State : std::uint8_t { idle, connecting, live, ending, waiting, gone };
  using Next = void (Controller::*)();

  // --- controller.cc
  void on_queue_up(Queue& queue, Cntlid cntlid) override;
  void on_queue_failed(Queue& queue, const QueueFailure& failure) override;
  void on_queue_closed(Queue& queue) override;
  void on_abort_wanted(Queue& queue, Cid cid) override;
  void fail(const Error& why, bool final);
  void close_queues();
  void queue_is_closed();
  void try_again();
  void end();
  void told_gone();
  void stop_here();
  bool is_loss_final() const;

  // --- controller_connect.cc
  void connect();
  void step(const wire::Sqe& sqe, void* data, std::size_t bytes, Next next, const char* what);
  static void on_step(Command& command) noexcept;
  void have_capabilities();
  void have_version();
  void enabled();
  void look_ready();
  void have_status();
  void have_identity();
  void have_queue_count();
  void make_queues(std::size_t count);
  void have_events_configured();
  void io_queue_is_up();
  void go_live();
  void shut_down();
  void shut();
  wire::Cc configuration() const;
  std::uint32_t entries(std::uint32_t wanted) const;
  Loop& loop_for(std::size_t queue);

  // --- controller_events.cc
  void send_aborts();
  static void on_abort_done(Command& command) noexcept;
  void start_events();
  static void on_event_done(Command& command) noexcept;
  void on_keep_alive();
  static void on_keep_alive_done(Command& command) noexcept;

  Loops& loops_;
  fabric::Initiator& initiator_;
  const Options options_;
  ControllerObserver& observer_;
  Loop& loop_;
  State state_ = State::idle;
  bool was_live_ = false;
  bool told_lost_ = false;
  bool stopping_ = false;
  bool final_ = false;
  Error why_;
  Time lost_at_{};
  Duration delay_{};     // before the next try
  unsigned open_ = 0;    // queues that are not closed
  unsigned up_ = 0;      // I/O queues that are connected
  unsigned untold_ = 0;  // loops that something may still be posted on

  Queue admin_;
  std::vector<std::unique_ptr<Queue>> queues_;
  Cntlid cntlid_;
  wire::Cap capabilities_;
  std::uint32_t version_ = 0;
  wire::IdentifyController identify_{};

  struct Own : Command {
    Controller* controller = nullptr;
    bool under_way = false;
  };
  struct Step : Own {
    Next next = nullptr;
    const char* what = "";
    iovec piece{};
  } step_;
  Time ready_by_{};
  Own event_requests_[4];
  Own abort_requests_[4];
  std::deque<wire::Abort> aborts_;  // that are still to be sent
  Own keep_alive_;
  MemberTimer<Controller, &Controller::try_again> again_{*this};
  MemberTimer<Controller, &Controller::look_ready> poll_{*this};
  MemberTimer<Controller, &Controller::on_keep_alive> keep_alive_timer_{*this};
};

}  // namespace weft::host
