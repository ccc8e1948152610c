// What goes on behind changes that have been answered: devices that close, subsystems that drain.
#pragma once

#include <chrono>
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

 private:
  class Mark;
  mutable std::mutex mutex_;
  std::list<One> all_;
};

}  // namespace weft::config
