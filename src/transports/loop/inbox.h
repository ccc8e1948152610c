// What one loop hands to another: put in from one, several at a time, taken out by the other, all that is
// there at once and in order.  No lock.
#pragma once

#include <atomic>

namespace weft::loop {

// T has a member `T* next_in_inbox`.

// What is about to be put in together: each put takes the other side's cache line, and waits until all that
// was written before is seen.
template <class T>
class Outbox {
 public:
  static constexpr unsigned kMost = 8;  // enough for that; beyond it the other side would only wait longer

  bool empty() const { return count_ == 0; }
  bool is_full() const { return count_ == kMost; }
  void add(T& object) {
    object.next_in_inbox = newest_;
    newest_ = &object;
    if (count_++ == 0) oldest_ = &object;
  }

 private:
  template <class>
  friend class Inbox;
  T* newest_ = nullptr;
  T* oldest_ = nullptr;
  unsigned count_ = 0;
};

template <class T>
class Inbox {
 public:
  // Takes all of `box`, which is not empty.  True when this was empty: the other side is to be woken.
  bool put(Outbox<T>& box) {
    T* first = first_.load(std::memory_order_relaxed);
    do {
      box.oldest_->next_in_inbox = first;
    } while (!first_.compare_exchange_weak(first, box.newest_, std::memory_order_release,
                                           std::memory_order_relaxed));
    box = {};
    return first == nullptr;
  }

  // The oldest, the others behind it.
  T* take_all() {
    T* newest = first_.exchange(nullptr, std::memory_order_acquire);
    T* oldest = nullptr;
    while (newest != nullptr) {
      T* const before = newest->next_in_inbox;
      newest->next_in_inbox = oldest;
      oldest = newest;
      newest = before;
    }
    return oldest;
  }

 private:
  std::atomic<T*> first_{nullptr};
};

}  // namespace weft::loop
