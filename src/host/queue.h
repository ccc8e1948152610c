// One queue pair of a host: its connection, what is in flight, what waits.  It survives its connections: what
// a lost one had not answered is sent again on the next, in the order in which it was submitted first, until
// the owner gives up.
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
  // The owner closes it, in a later turn or this one.  Once for each open(), not after close().
  virtual void on_queue_failed(Queue& queue, const QueueFailure& failure) = 0;
  virtual void on_queue_closed(Queue& queue) = 0;

 protected:
  ~QueueOwner() = default;
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
  // Ends the connection.  What it had not answered waits for the next one; of the admin queue it is lost.
  void close();
  // What waits, and what is submitted from now on, is lost; until the next open() has led to a connection.
  void give_up();

  void submit(Command& command);

 private:
  enum class State : std::uint8_t { closed, connecting, up, failed, closing };

  bool is_admin() const { return qid_.value() == 0; }
  void on_ready() override;
  void on_ended(const Error& why) override;
  void on_closed() override;
  void connected();
  void fail(const Error& why, bool final);
  void send(Command& command);
  void send_waiting();
  void ended(Command& command);
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
  bool given_up_ = false;
  Limits limits_;
  Cntlid cntlid_;
  std::unique_ptr<fabric::HostConnection> connection_;

  List<Command> in_flight_;
  List<Command> kept_;     // of the connection that is ending, in the order of their submission
  List<Command> waiting_;  // for room or for a connection
  List<Command> pausing_;  // to be sent again in a moment
  List<Command> lost_;     // to be told so in the next turn
  std::uint32_t outstanding_ = 0;

  wire::ConnectData connect_data_{};
  iovec connect_piece_{};
  Command connect_;
  MemberTimer<Queue, &Queue::on_second> second_{*this};
  MemberTimer<Queue, &Queue::on_pause_over> pause_{*this};
  MemberTask<Queue, &Queue::end_lost> end_lost_{*this};
};

}  // namespace weft::host
