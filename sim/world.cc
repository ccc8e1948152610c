#include "sim/world.h"

#include <algorithm>

#include "base/check.h"

namespace weft::sim {

World::World(std::uint64_t seed, bool echo) : dice_(seed), trace_(echo) {}

World::~World() = default;

Duration World::some_time(Duration least, Duration most) {
  if (most <= least) return least;
  auto span = static_cast<std::uint64_t>((most - least).count());
  while (span > 1000 && dice_.one_in(2)) span /= 4;
  return least + Duration(dice_.below(span + 1));
}

void World::after(Duration delay, std::function<void()> event) {
  events_.emplace(now_ + std::max(delay, Duration{}), std::move(event));
}

SimLoops& World::add_process(const std::string& name, unsigned loops, std::size_t buffer_bytes) {
  return *processes_.emplace_back(
      std::make_unique<SimLoops>(name, *this, loops, buffer_bytes, dice_, running_));
}

void World::kill(SimLoops& process) {
  const auto dead = std::ranges::find(processes_, &process, &std::unique_ptr<SimLoops>::get);
  WEFT_CHECK(dead != processes_.end(), "a process dies once");
  threads_.kill(process);
  bury(std::move(*dead));
  processes_.erase(dead);
}

void World::pause(SimLoops& process, Duration time) {
  for (const auto& loop : process.each()) loop->pause_until(now_ + time);
  threads_.pause(process, now_ + time);
}

void World::pause_one(SimLoops& process, Duration time) {
  process.each()[dice_.below(process.each().size())]->pause_until(now_ + time);
}

std::vector<SimLoop*> World::runnable() {
  std::vector<SimLoop*> all;
  for (const auto& process : processes_)
    for (const auto& loop : process->each())
      if (loop->paused_until() <= now_ && loop->has_work()) all.push_back(loop.get());
  return all;
}

std::optional<Time> World::next_time() const {
  std::optional<Time> next;
  const auto take = [&next](Time time) {
    if (!next || time < *next) next = time;
  };
  if (!events_.empty()) take(events_.begin()->first);
  if (const auto time = threads_.next_time()) take(*time);
  for (const auto& process : processes_) {
    for (const auto& loop : process->each()) {
      if (loop->has_work())
        take(loop->paused_until());
      else if (const auto deadline = loop->next_deadline())
        take(std::max(*deadline, loop->paused_until()));
    }
  }
  return next;
}

bool World::run_event() {
  if (events_.empty() || events_.begin()->first > now_) return false;
  const auto event = std::move(events_.begin()->second);
  events_.erase(events_.begin());
  event();
  return true;
}

void World::run_turn(SimLoop& loop) {
  const std::size_t posted = loop.posted();
  loop.run_turn(posted == 0 || dice_.one_in(2) ? posted : 1 + dice_.below(posted));
}

bool World::step() {
  constexpr std::uint64_t kMostTurnNs = 20'000;
  if (run_event()) return true;
  const auto loops = runnable();
  const auto threads = threads_.runnable();
  if (loops.empty() && threads.empty()) {
    const auto next = next_time();
    if (!next) return false;
    now_ = std::max(now_, *next);
    return true;
  }
  const std::size_t which = dice_.below(loops.size() + threads.size());
  which < loops.size() ? run_turn(*loops[which]) : threads_.run(*threads[which - loops.size()]);
  now_ += Duration(1 + dice_.below(kMostTurnNs));
  trace_.mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  return true;
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) {
  const Time end = now_ + limit;
  while (!condition()) {
    if (now_ > end || !step()) return condition();
  }
  return true;
}

void World::run_for(Duration time) {
  bool over = false;
  after(time, [&over] { over = true; });
  while (!over && step()) {
  }
}

}  // namespace weft::sim
