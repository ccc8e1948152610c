#include "block/fence.h"

#include "base/check.h"

namespace weft::block {

Fence::~Fence() {
  WEFT_CHECK(late_.empty() && waiters_.empty(), "late commands end before their backend");
}

void Fence::add(Late& late) {
  const std::scoped_lock lock(mutex_);
  insert(late);
}

void Fence::insert(Late& late) {
  WEFT_CHECK(!late.registered);
  late.registered = true;
  late_.push_back(late);
  late_count_.fetch_add(1, std::memory_order_release);
}

void Fence::remove(Late& late) {
  const std::scoped_lock lock(mutex_);
  WEFT_CHECK(late.registered);
  late.registered = false;
  late_.erase(late_.iterator_to(late));
  late_count_.fetch_sub(1, std::memory_order_release);
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    Waiter& waiter = *it;
    if (blocked(waiter)) {
      ++it;
      continue;
    }
    it = waiters_.erase(it);
    waiter.waiting = false;
    waiter.loop.post(waiter.go);
  }
}

bool Fence::admit(Waiter& waiter) {
  const std::scoped_lock lock(mutex_);
  return admit_locked(waiter);
}

bool Fence::admit_and_hold(Waiter& waiter, Late& hold) {
  const std::scoped_lock lock(mutex_);
  if (!admit_locked(waiter)) return false;
  hold.lba = waiter.lba;
  hold.blocks = waiter.blocks;
  insert(hold);
  waiter.own = &hold;
  return true;
}

bool Fence::admit_locked(Waiter& waiter) {
  WEFT_CHECK(!waiter.waiting);
  if (!blocked(waiter)) return true;
  waiter.waiting = true;
  waiters_.push_back(waiter);
  return false;
}

bool Fence::cancel(Waiter& waiter) {
  const std::scoped_lock lock(mutex_);
  if (!waiter.waiting) return false;
  waiter.waiting = false;
  waiters_.erase(waiters_.iterator_to(waiter));
  return true;
}

bool Fence::blocked(const Waiter& waiter) const {
  for (const Late& late : late_)
    if (&late != waiter.own && late.lba < waiter.lba + waiter.blocks && waiter.lba < late.lba + late.blocks)
      return true;
  return false;
}

}  // namespace weft::block
