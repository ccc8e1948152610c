// Signals, taken by the main thread when it asks for them and by nobody else.
#pragma once

#include <csignal>
#include <initializer_list>

namespace weft::daemon {

class Signals {
 public:
  // Before there is another thread: all of them inherit the mask.  SIGPIPE is ignored.
  explicit Signals(std::initializer_list<int> numbers);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int wait();  // for the next of them
  // Likewise; a terminal sends one to the children as well, a process that means this one does not.
  struct Caught {
    int number;
    bool from_terminal;
  };
  Caught wait_for_any();
  // From here on they do what they do by default: a second one ends the process at once.
  void release();

  const sigset_t& mask_before() const { return before_; }  // for children

 private:
  sigset_t set_;
  sigset_t before_;
};

}  // namespace weft::daemon
