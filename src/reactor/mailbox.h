// Tasks that any thread hands to one loop: an atomic list, and whether the loop must be woken.
#pragma once

#include <atomic>

#include "base/loop.h"

namespace weft::reactor {

class Mailbox {
 public:
  // Any thread.  True: the loop is asleep and the caller must wake it (told to one caller only).
  bool put(Task& task) {
    Task* head = head_.load(std::memory_order_relaxed);
    do {
      task.next.store(head, std::memory_order_relaxed);
    } while (!head_.compare_exchange_weak(head, &task, std::memory_order_seq_cst, std::memory_order_relaxed));
    // The order of these two, here and in fall_asleep, decides: one of the sides sees the other.
    return asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false, std::memory_order_seq_cst);
  }

  // For the loop.  Everything put so far, in the order put, linked by Task::next.
  Task* take_all() {
    if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;  // leaves the line where it is
    Task* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Task* first = nullptr;
    while (newest != nullptr) {
      Task* const older = newest->next.load(std::memory_order_relaxed);
      newest->next.store(first, std::memory_order_relaxed);
      first = newest;
      newest = older;
    }
    return first;
  }

  bool empty() const { return head_.load(std::memory_order_seq_cst) == nullptr; }

  // For the loop, before it sleeps: from now on put() tells to wake it.  False when something is there.
  bool fall_asleep() {
    asleep_.store(true, std::memory_order_seq_cst);
    if (empty()) return true;
    wake_up();
    return false;
  }
  void wake_up() { asleep_.store(false, std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<Task*> head_{nullptr};
  std::atomic<bool> asleep_{false};
};

}  // namespace weft::reactor
