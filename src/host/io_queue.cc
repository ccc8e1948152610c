#include "host/io_queue.h"

#include <algorithm>

#include "base/check.h"

namespace weft::host {

IoQueue::IoQueue(Loop& loop, std::size_t paths, std::optional<Duration> no_path_time, PathDoubter& doubter)
    : loop_(loop), no_path_time_(no_path_time), doubter_(doubter), paths_(paths) {}

IoQueue::~IoQueue() {
  WEFT_CHECK(waiting_.empty() && lost_.empty(), "a queue is destroyed when its commands have ended");
}

void IoQueue::submit(Command& command) {
  command.refused_at_.reset();
  send(command);
}

void IoQueue::send(Command& command) {
  if (chosen_ != nullptr) return chosen_->queue->submit(command);
  command.cancelled_ = false;
  if (!waits_) return lose(command);
  command.place_ = Command::Place::without_path;
  waiting_.push_back(command);
}

void IoQueue::cancel(Command& command) {
  if (command.place_ != Command::Place::without_path) {
    if (command.queue_ != nullptr) command.queue_->cancel(command);
    return;
  }
  command.cancelled_ = true;
  waiting_.erase(waiting_.iterator_to(command));
  lose(command);
}

void IoQueue::set_path(std::size_t path, Queue* queue, Access access) {
  paths_[path] = {queue, queue == nullptr ? Access::none : access};
  if (queue != nullptr) queue->set_user(this);
  choose();
}

// The path in use stays in use among equals.
void IoQueue::choose() {
  Path* best = chosen_;
  for (Path& each : paths_)
    if (best == nullptr || each.access > best->access) best = &each;
  chosen_ = best != nullptr && best->access != Access::none ? best : nullptr;
  if (chosen_ == nullptr) {
    if (no_path_time_ && waits_ && !no_path_.is_armed()) loop_.arm(no_path_, *no_path_time_);
    return;
  }
  loop_.cancel(no_path_);
  waits_ = !over_;
  while (chosen_ != nullptr && !waiting_.empty()) {
    Command& command = waiting_.front();
    waiting_.pop_front();
    chosen_->queue->submit(command);
  }
}

void IoQueue::on_path_failed(Queue& queue, Command& command) {
  const auto path = std::ranges::find(paths_, &queue, &Path::queue);
  path->access = Access::none;
  if (&*path == chosen_) choose();
  if (over_) return command.then(command);
  if (command.end != fabric::HostCommand::End::lost) {
    doubter_.doubt(static_cast<std::size_t>(path - paths_.begin()));
    if (!command.refused_at_) command.refused_at_ = loop_.now();
    if (no_path_time_ && loop_.now() - *command.refused_at_ >= *no_path_time_) return command.then(command);
  }
  send(command);
}

void IoQueue::give_up() {
  over_ = true;
  waits_ = false;
  loop_.cancel(no_path_);
  lose_waiting();
}

void IoQueue::on_no_path() {
  waits_ = false;
  lose_waiting();
}

void IoQueue::lose_waiting() {
  while (!waiting_.empty()) {
    Command& command = waiting_.front();
    waiting_.pop_front();
    lose(command);
  }
}

void IoQueue::lose(Command& command) {
  command.place_ = Command::Place::ending;
  lost_.push_back(command);
  if (!end_lost_.is_posted()) loop_.post(end_lost_);
}

void IoQueue::end_lost() {
  List<Command> ending;  // what is submitted meanwhile is for the next turn
  ending.swap(lost_);
  while (!ending.empty()) {
    Command& command = ending.front();
    ending.pop_front();
    command.place_ = Command::Place::ended;
    command.end = fabric::HostCommand::End::lost;
    command.then(command);
  }
}

}  // namespace weft::host
