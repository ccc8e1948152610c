// Work on a crew that goes in order for each key: one after another, whatever the others do.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "config/crew.h"

namespace weft::config {

// Any thread.
class Strands {
 public:
  explicit Strands(Crew& crew) : crew_(crew) {}  // which outlives it

  void run(const std::string& key, Crew::Job job);

 private:
  struct State {
    std::mutex mutex;
    std::map<std::string, std::deque<Crew::Job>> jobs;  // of keys that are at work
  };
  static void work(State& state, const std::string& key);

  Crew& crew_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace weft::config
