// Who is told at the end of a change: behind the lock, because who is told may come back, and when the store
// has been told, because who was told may be killed the moment after.
#pragma once

#include <memory>
#include <utility>

#include "target/target.h"

namespace weft::config {

// Told when it and all shares are gone; shares go on any thread, the rest is its owner's.
class ToldLater {
 public:
  explicit ToldLater(target::Done done) : state_(std::make_shared<State>(std::move(done))) {}
  target::Done share() const {
    return [state = state_] {};
  }
  void cancel() { state_->done = nullptr; }

 private:
  struct State {
    explicit State(target::Done its_done) : done(std::move(its_done)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
      if (done) done();
    }
    target::Done done;
  };
  std::shared_ptr<State> state_;
};

}  // namespace weft::config
