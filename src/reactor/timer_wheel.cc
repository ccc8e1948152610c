#include "reactor/timer_wheel.h"

#include <bit>

namespace weft::reactor {

namespace {

constexpr std::int64_t kTickNs = 1'000'000;

std::uint64_t tick_at(Time time) {  // the last that has begun
  const std::int64_t ns = time.time_since_epoch().count();
  return ns <= 0 ? 0 : static_cast<std::uint64_t>(ns / kTickNs);
}

std::uint64_t tick_not_before(Time time) {
  const std::int64_t ns = time.time_since_epoch().count();
  return ns <= 0 ? 0 : static_cast<std::uint64_t>((ns - 1) / kTickNs + 1);
}

Time begin_of(std::uint64_t tick) {
  constexpr auto kLast = static_cast<std::uint64_t>(Duration::max().count() / kTickNs);
  return tick > kLast ? Time::max() : Time(Duration(static_cast<std::int64_t>(tick) * kTickNs));
}

}  // namespace

TimerWheel::TimerWheel(Time start) : tick_(tick_at(start)) {}

TimerWheel::~TimerWheel() {
  for (auto& list : lists_)
    while (!list.empty()) {
      list.front().mark_idle();
      list.pop_front();
    }
}

void TimerWheel::put(Timer& timer, std::uint32_t slot) {
  timer.slot = slot;
  lists_[slot].push_back(timer);
  if (slot < kDue) occupied_[slot / kSlots] |= std::uint64_t{1} << (slot % kSlots);
}

void TimerWheel::place(Timer& timer) {
  const std::uint64_t tick = tick_not_before(timer.deadline());
  if (tick <= tick_) return put(timer, kDue);
  // The highest digit in which the two differ: above it they agree, so slots never wrap around.
  const unsigned level = static_cast<unsigned>(std::bit_width(tick ^ tick_) - 1) / kSlotBits;
  put(timer, level * kSlots + ((tick >> (level * kSlotBits)) % kSlots));
}

void TimerWheel::arm(Timer& timer, Time deadline) {
  cancel(timer);
  timer.mark_armed(deadline);
  place(timer);
}

void TimerWheel::cancel(Timer& timer) {
  if (!timer.is_armed()) return;
  auto& list = lists_[timer.slot];
  list.erase(list.iterator_to(timer));
  if (timer.slot < kDue && list.empty())
    occupied_[timer.slot / kSlots] &= ~(std::uint64_t{1} << (timer.slot % kSlots));
  timer.mark_idle();
}

std::optional<TimerWheel::Next> TimerWheel::next() const {
  for (unsigned level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const auto slot = static_cast<unsigned>(std::countr_zero(occupied_[level]));
    const unsigned shift = level * kSlotBits;
    const unsigned above = shift + kSlotBits;
    const std::uint64_t base = above >= 64 ? 0 : tick_ >> above << above;
    return Next{level, slot, base | std::uint64_t{slot} << shift};
  }
  return std::nullopt;
}

unsigned TimerWheel::advance(Time now) {
  const std::uint64_t target = tick_at(now);
  auto& running = lists_[kRunning];
  const auto start_running = [&](List<Timer>& list) {
    for (Timer& timer : list) timer.slot = kRunning;
    running.splice(running.end(), list);
  };
  start_running(lists_[kDue]);
  for (auto first = next(); first && first->tick <= target; first = next()) {
    tick_ = first->tick;
    List<Timer> list;
    list.swap(lists_[first->level * kSlots + first->slot]);
    occupied_[first->level] &= ~(std::uint64_t{1} << first->slot);
    while (!list.empty()) {
      Timer& timer = list.front();
      list.pop_front();
      place(timer);  // one level down at least, or due
    }
    start_running(lists_[kDue]);
  }
  if (target > tick_) tick_ = target;

  unsigned count = 0;
  while (!running.empty()) {
    Timer& timer = running.front();
    running.pop_front();
    timer.mark_idle();
    timer.run();
    ++count;
  }
  return count;
}

std::optional<Time> TimerWheel::next_wake() const {
  if (!lists_[kDue].empty()) return begin_of(tick_);
  if (const auto first = next()) return begin_of(first->tick);
  return std::nullopt;
}

}  // namespace weft::reactor
