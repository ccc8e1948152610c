// One queue pair of a host: its connection, what is in flight, what waits for room.  It survives its
// connections; what a lost one had not answered ends as lost, or is given to whoever has another way.
//
// All of it belongs to its loop, where it is destroyed too (or with the loops standing still).
#pragma once

#include <cstdint>
#include <memory>

#include "base/ids.h"
#include "base/intrusive.h"
#include "base/loop.h"
#include "fabric/initiator.h"
#include "host/command.h"
#include "host/options.h"
#include "wire/fabrics.h"

namespace weft::host {

// Why a queue is not connected.
struct QueueFailure {
  Error why;
  bool final = false;  // trying again is pointless: Connect was refused with DNR
};

class QueueOwner {
 public:
  virtual void on_queue_up(Queue& queue, Cntlid cntlid) = 0;  // Connect has succeeded
  // A command that was sent is to be aborted.
  virtual void on_abort_wanted(Queue& queue, Cid cid) = 0;
  // The owner closes it, in a later turn or this one.  Once for each open(), not after close().
  virtual void on_queue_failed(Queue& queue, const QueueFailure& failure) = 0;
  virtual void on_queue_closed(Queue& queue) = 0;

 protected:
  ~QueueOwner() = default;
};

// Who takes back what a queue cannot carry: to send it by another path, or to end it by Command::then.  On
// the queue's loop.
class QueueUser {
 public:
  // The command was lost, in the order of submission, or its status is of the path.
  virtual void on_path_failed(Queue& queue, Command& command) = 0;

 protected:
  ~QueueUser() = default;
};

class Queue final : private fabric::HostConnectionOwner {
 public:
  Queue(Loop& loop, fabric::Initiator& initiator, const Options& options, Qid qid, QueueOwner& owner);
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  Loop& loop() const { return loop_; }  // any thread
  Qid qid() const { return qid_; }      // any thread

  struct Limits {
    std::uint32_t entries = 32;
    std::uint32_t in_capsule_bytes = 0;  // of an I/O queue
  };
  // Connects, to be closed one day.  on_queue_up or on_queue_failed follows.
  void open(Cntlid cntlid, const Limits& limits);
  // Ends the connection.  What it had not answered is lost.
  void close();

  // While nothing is under way.  nullptr: commands end by themselves.
  void set_user(QueueUser* user) { user_ = user; }
  // Without a connection the command is lost.
  void submit(Command& command);
  // It ends soon: in the next turn when it is not at the controller, else when that has aborted it, or has
  // executed it all the same (NVMe Base 2.1, section 5.1.1).
  void cancel(Command& command);

 private:
  enum class State : std::uint8_t { closed, connecting, up, failed, closing };

  bool is_admin() const { return qid_.value() == 0; }
  void on_ready() override;
  void on_ended(const Error& why) override;
  void on_closed() override;
  void connected();
  bool is_refusal_final() const;
  void fail(const Error& why, bool final);
  void send(Command& command);
  void send_waiting();
  void ended(Command& command);
  void finish(Command& command);
  void pair_ended(Command& first);
  void prepare(Command& command);
  void lose(Command& command);
  bool goes_again(const Command& command) const;
  void end_lost();
  void on_second();
  void on_pause_over();
  static void on_done(fabric::HostCommand& command) noexcept;
  static void on_connect_done(Command& command) noexcept;

  Loop& loop_;
  fabric::Initiator& initiator_;
  const Options& options_;
  const Qid qid_;
  QueueOwner& owner_;
  State state_ = State::closed;
  QueueUser* user_ = nullptr;
  Limits limits_;
  Cntlid cntlid_;
  std::unique_ptr<fabric::HostConnection> connection_;

  List<Command> in_flight_;
  List<Command> waiting_;  // for room
  List<Command> pausing_;  // to be sent again in a moment
  List<Command> lost_;     // to be told so when the connection is closed, or before
  std::uint32_t outstanding_ = 0;

  wire::ConnectData connect_data_{};
  iovec connect_piece_{};
  Command connect_;
  MemberTimer<Queue, &Queue::on_second> second_{*this};
  MemberTimer<Queue, &Queue::on_pause_over> pause_{*this};
  MemberTask<Queue, &Queue::end_lost> end_lost_{*this};
};

}  // namespace weft::host
