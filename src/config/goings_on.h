// What goes on behind changes that have been answered: devices that close, subsystems that drain.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weft::config {

// Shared with what goes on, which may end after the configuration.  Any thread, a loop's too.
class GoingsOn : public std::enable_shared_from_this<GoingsOn> {
 public:
  struct One {
    std::string path;
    std::string_view what;  // "closes", "drains"
    std::chrono::steady_clock::time_point since;
  };

  // It goes on until what is returned is called, or let go of; `then` is called with it.
  std::move_only_function<void()> begin(std::string path, std::string_view what,
                                        std::move_only_function<void()> then);

  std::vector<One> all() const;  // the oldest first

  std::size_t ended() const;  // how many have
  // Until more than `seen` have ended; false: nothing goes on, or the time has come.  No loop's thread.
  bool wait_for_end(std::size_t seen, std::chrono::steady_clock::time_point until) const;

 private:
  class Mark;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::size_t ended_ = 0;
  std::list<One> all_;
};

}  // namespace weft::config
