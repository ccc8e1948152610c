// What one loop hands to another: put in from one, taken out by the other, all that is there at once and in
// order.  No lock.
#pragma once

#include <atomic>

namespace weft::loop {

// T has a member `T* next_in_inbox`.
template <class T>
class Inbox {
 public:
  // True when it was empty: the other side is to be woken.
  bool put(T& object) {
    T* first = first_.load(std::memory_order_relaxed);
    do {
      object.next_in_inbox = first;
    } while (
        !first_.compare_exchange_weak(first, &object, std::memory_order_release, std::memory_order_relaxed));
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
