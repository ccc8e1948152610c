// Whether the daemon goes on: reactors that do not come round, and commands that take long, each told in the
// log when it begins and when it is over.  Tells systemd's watchdog as long as every reactor comes round.
//
// A thread of its own, which asks every reactor every two seconds, or as often as systemd wants to hear.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "config/journal.h"
#include "target/overdue.h"
#include "target/target.h"

namespace weft::daemon {

// For people.
inline double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

struct HealthOptions {
  Duration look = std::chrono::seconds(2);      // how often
  Duration silence = std::chrono::seconds(5);   // of a reactor, before it is told
  Duration overdue = std::chrono::seconds(10);  // of a command
};

// As of the last look.
struct HealthState {
  std::vector<std::optional<Duration>> silent;  // by reactor: for how long it has not come round
  std::vector<target::Overdue> overdue;
};

class Health {
 public:
  // Target and journal outlive it; off the loops.
  Health(target::Target& target, config::Journal& journal, const HealthOptions& options);
  ~Health();  // does not wait for reactors that hang
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  HealthState state() const;  // any thread

 private:
  using Clock = std::chrono::steady_clock;
  struct Answers;  // of the reactors; shared with what is posted there
  struct Told {    // of commands of one host at one place
    target::Overdue last;
    bool is_there = true;
  };
  void run();
  void look();
  void look_at(std::size_t reactor);
  void ask(std::size_t reactor);
  void tell_overdue(const std::vector<target::Overdue>& all);
  std::string where_it_is(std::size_t reactor) const;

  target::Target& target_;
  config::Journal& journal_;
  const HealthOptions options_;
  const std::shared_ptr<Answers> answers_;
  std::vector<bool> told_silent_;
  std::vector<Told> told_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool ended_ = false;
  HealthState state_;
  std::thread thread_;  // last
};

}  // namespace weft::daemon
