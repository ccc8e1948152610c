// The loops of a simulated process.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/dice.h"
#include "base/loop.h"

namespace weft::sim {

class Clock {
 public:
  virtual Time now() const = 0;

 protected:
  virtual ~Clock() = default;
};

class SimLoop final : public Loop {
 public:
  SimLoop(const Clock& clock, unsigned index, std::size_t buffer_bytes, std::uint64_t seed,
          const SimLoop*& running);

  Time now() const override { return now_; }
  void arm(Timer& timer, Duration delay) override;
  void cancel(Timer& timer) override;
  void post(Task& task) override;
  void defer(Task& task) override;
  // Between turns the caller is at home on each loop.
  bool is_here() const override { return running_ == nullptr || running_ == this; }
  BufferPool& buffers() override { return pool_; }
  Dice& dice() override { return dice_; }
  unsigned index() const override { return index_; }

  bool has_work() const;
  std::optional<Time> next_deadline() const;
  // The timers that are due, at most so many posted tasks, and what those deferred.
  void run_turn(std::size_t most_tasks);
  std::size_t posted() const { return posted_.size(); }
  void pause_until(Time time) { paused_until_ = time; }
  Time paused_until() const { return paused_until_; }

 private:
  void run_timers();

  const Clock& clock_;
  const unsigned index_;
  const SimLoop*& running_;  // of all loops of the world
  Time now_;
  Time paused_until_ = Time::min();
  std::deque<Task*> posted_;
  std::deque<Task*> deferred_;
  List<Timer> timers_;  // by deadline
  List<Timer> due_;     // of this turn, not yet run
  Dice dice_;
  BufferPool pool_;
};

class SimLoops final : public Loops {
 public:
  SimLoops(std::string name, const Clock& clock, unsigned count, std::size_t buffer_bytes, Dice& dice,
           const SimLoop*& running);

  const std::string& name() const { return name_; }
  std::span<Loop* const> all() const override { return all_; }
  const std::vector<std::unique_ptr<SimLoop>>& each() const { return loops_; }
  Loop& acquire_least_loaded() override;
  void release(Loop& loop) override;
  void use(unsigned count) override { in_use_ = count; }
  unsigned in_use() const override { return in_use_; }

 private:
  const std::string name_;
  std::vector<std::unique_ptr<SimLoop>> loops_;
  std::vector<Loop*> all_;
  std::vector<unsigned> loads_;
  unsigned in_use_;
};

}  // namespace weft::sim
