// One io_uring, used by the thread that opened it.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <deque>
#include <optional>

#include "base/loop.h"
#include "base/result.h"
#include "reactor/completion.h"

namespace weft::reactor {

class Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { close(); }

  enum class Kind : std::uint8_t {
    interrupts,  // what completes says so by itself
    polls,       // reads and writes of devices that are asked; each submit() asks them.  Takes nothing else.
  };
  // On the thread that will use it.  Leaves out what this kernel refuses.
  Result<> open(Kind kind = Kind::interrupts);
  void close();

  // The next submission, cleared; the caller prepares it at once.  Never fails: what does not fit into the
  // ring waits outside of it.  `completion` may be null: then nobody is told.
  io_uring_sqe& next(Completion* completion);

  // Asks the kernel to cancel; both complete, the operation with ECANCELED or with what it came to.
  void cancel(Completion& target);

  bool is_open() const { return open_; }
  Kind kind() const { return kind_; }
  bool has_completions() const { return io_uring_cq_ready(&ring_) > 0; }

  // Runs the completions that are there now, at most `most`.  Returns how many.
  unsigned run_completions(unsigned most);

  // Hands over what was prepared and takes in what has completed, without waiting.
  void submit();
  // The same, without a call of the kernel when neither is there.
  void look();
  // The same, and sleeps until something completes or the time is over; no timeout: for ever.
  void submit_and_sleep(std::optional<Duration> timeout);

  io_uring& raw() { return ring_; }

 private:
  void refill();

  io_uring ring_{};
  bool open_ = false;
  Kind kind_ = Kind::interrupts;
  std::deque<io_uring_sqe> backlog_;
};

}  // namespace weft::reactor
