// Work in processes of its own, so many at once: one that crashes or hangs takes nothing along.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace weft::sim {

class Workers {
 public:
  enum class Output : std::uint8_t { ours, none };
  explicit Workers(unsigned most, Output output = Output::ours) : most_(most), output_(output) {}
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() { wait(); }

  // Waits for a place.  `then` runs in this process, in start() or wait(): with nothing when the work was
  // well, else with what happened to it.
  using Then = std::function<void(const std::string& failure)>;
  void start(const std::function<bool()>& work, Then then);
  void wait();

 private:
  void wait_for_one();

  const unsigned most_;
  const Output output_;
  std::map<pid_t, Then> running_;
};

}  // namespace weft::sim
