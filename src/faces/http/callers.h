// The connections of callers: accepts them, each on a thread that may be slow without holding up others.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "base/result.h"
#include "config/crew.h"

namespace weft::faces {

class Callers {
 public:
  // `serve` is called for each connection, many at once; the descriptor does not block and is closed behind
  // it.
  explicit Callers(std::function<void(int fd)> serve);
  ~Callers();
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  Result<> start(int listener);  // which outlives this
  // Ends the connections and waits until none is served any more.
  void stop();

 private:
  void accept(int listener);
  // False: it is to end.
  bool wait_for_caller(int listener) const;
  bool take_one(int listener);  // false: not now
  void serve_one(int fd);

  const std::function<void(int)> serve_;
  config::Crew crew_;
  std::mutex mutex_;
  std::set<int> open_;
  int stop_ = -1;  // an eventfd
  std::thread thread_;
};

}  // namespace weft::faces
