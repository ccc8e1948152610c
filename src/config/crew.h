// Threads for calls that may block or hang: opening, refreshing and closing backends.  A call that takes
// longer than the crew's patience keeps its thread, but not its place: others go on as if it were not there.
// So one that hangs delays nobody for longer than that, and the number of threads is bounded by the places
// and by what hangs.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/loop.h"

namespace weft::config {

class Crew {
 public:
  using Job = std::move_only_function<void()>;

  Crew(std::size_t places, Duration patience);
  // Drops what has not begun and leaves what runs behind: its closure must own what it uses.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void run(Job job);  // any thread, a loop's too; begins in the order given

  // False: there still is work, and none of it has ended for `patience`.
  bool wait_idle(Duration patience) const;
  std::size_t unfinished() const;  // waiting or running

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weft::config
