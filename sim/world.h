// One simulated run: a clock, dice, processes with their loops, and what happens by itself (bytes that
// arrive, a disk that answers).  All is drawn from one seed, so that the same seed gives the same run to the
// bit.  One thread.
//
// Between two turns a turn of any loop or thread that has something to do may come; a loop runs some of that,
// so that loops of a process overtake each other as threads do.  Time moves a little with each turn, and to
// the next event when nobody has anything to do.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/dice.h"
#include "base/loop.h"
#include "sim/loops.h"
#include "sim/threads.h"
#include "sim/trace.h"

namespace weft::sim {

// What a process owned when it died: it stays in memory until the program ends, as what is on its way may
// still refer to it, and it cannot end in order.
template <class T>
void bury(std::unique_ptr<T> dead) {
  static auto& graves = *new std::vector<std::unique_ptr<T>>;
  graves.push_back(std::move(dead));
}

class World final : public Clock {
 public:
  World(std::uint64_t seed, bool echo);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() override;

  Dice& dice() { return dice_; }
  Time now() const override { return now_; }
  template <class... Args>
  void note(fmt::format_string<Args...> text, Args&&... args) {
    trace_.note((now_ - kBegin).count(), fmt::format(text, std::forward<Args>(args)...));
  }
  const Trace& trace() const { return trace_; }

  // `least` to `most`, of a wide range more often the small ones.
  Duration some_time(Duration least, Duration most);

  // Runs between turns, no sooner than after `delay`.
  void after(Duration delay, std::function<void()> event);

  // Lives as long as the world.
  SimLoops& add_process(const std::string& name, unsigned loops, std::size_t buffer_bytes = kBufferBytes);
  Threads& threads() { return threads_; }
  // It ends between two instructions: none of its loops and threads ever has a turn again.
  void kill(SimLoops& process);
  // None of its loops and threads, or one of its loops, has a turn for so long.
  void pause(SimLoops& process, Duration time);
  void pause_one(SimLoops& process, Duration time);

  // One turn or one event.  False: nothing will ever happen again.
  bool step();
  // False: it did not come true within `limit`.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  void run_for(Duration time);

 private:
  static constexpr std::size_t kBufferBytes = std::size_t{64} << 20;
  static constexpr Time kBegin{std::chrono::seconds(1)};
  std::vector<SimLoop*> runnable();
  std::optional<Time> next_time() const;
  bool run_event();
  void run_turn(SimLoop& loop);

  Dice dice_;
  Time now_ = kBegin;
  Trace trace_;
  const SimLoop* running_ = nullptr;
  Threads threads_{*this, dice_, running_};
  std::multimap<Time, std::function<void()>> events_;
  std::vector<std::unique_ptr<SimLoops>> processes_;
};

}  // namespace weft::sim
