// Where commands of one namespace go from one loop: to the best of the paths to it, each of which has a queue
// of its own on that loop.  What a path loses goes by the next one; without a path commands wait for one, in
// the order of their submission.
//
// All of it belongs to its loop, but for what is said to be for any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/intrusive.h"
#include "base/loop.h"
#include "host/command.h"
#include "host/queue.h"

namespace weft::host {

// What a path is good for, worst first (asymmetric access: NVMe Base 2.1, section 8.1.1).
enum class Access : std::uint8_t { none, non_optimized, optimized };

class PathDoubter {
 public:
  // A command came back because of the path.  On any loop.
  virtual void doubt(std::size_t path) = 0;

 protected:
  ~PathDoubter() = default;
};

class IoQueue final : private QueueUser {
 public:
  // no_path_time: how long commands wait while there is no path; empty: until give_up().
  IoQueue(Loop& loop, std::size_t paths, std::optional<Duration> no_path_time, PathDoubter& doubter);
  // After give_up(), with nothing under way.
  ~IoQueue();
  IoQueue(const IoQueue&) = delete;
  IoQueue& operator=(const IoQueue&) = delete;

  Loop& loop() const { return loop_; }  // any thread

  void submit(Command& command);
  void cancel(Command& command);  // as Queue::cancel

  void set_path(std::size_t path, Queue* queue, Access access);
  // Without a path, commands are lost from now on.
  void give_up();

 private:
  struct Path {
    Queue* queue = nullptr;
    Access access = Access::none;
  };
  void on_path_failed(Queue& queue, Command& command) override;
  void send(Command& command);
  void choose();
  void lose(Command& command);
  void lose_waiting();
  void on_no_path();
  void end_lost();

  Loop& loop_;
  const std::optional<Duration> no_path_time_;
  PathDoubter& doubter_;
  std::vector<Path> paths_;
  Path* chosen_ = nullptr;
  bool waits_ = true;  // for a path
  bool over_ = false;
  List<Command> waiting_;
  List<Command> lost_;  // to be told so in the next turn
  MemberTimer<IoQueue, &IoQueue::on_no_path> no_path_{*this};
  MemberTask<IoQueue, &IoQueue::end_lost> end_lost_{*this};
};

}  // namespace weft::host
