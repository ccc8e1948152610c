// One io_uring, used by the thread that opened it.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <deque>
#include <optional>

#include "base/loop.h"
#include "base/result.h"

namespace weft::reactor {

// What runs when an operation completes.  The owner embeds it, one for each operation in flight, and keeps it
// until the last completion came.
class Completion {
 public:
  using Function = void (*)(Completion&, int result, std::uint32_t flags) noexcept;
  explicit Completion(Function function) : function_(function) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  void run(int result, std::uint32_t flags) noexcept { function_(*this, result, flags); }

 private:
  Function function_;
};

// Calls a member function:  MemberCompletion<Thing, &Thing::on_sent> sent_{*this};
template <class Owner, void (Owner::*kMember)(int result, std::uint32_t flags)>
class MemberCompletion : public Completion {
 public:
  explicit MemberCompletion(Owner& owner) : Completion(&MemberCompletion::invoke), owner_(owner) {}

 private:
  static void invoke(Completion& completion, int result, std::uint32_t flags) noexcept {
    (static_cast<MemberCompletion&>(completion).owner_.*kMember)(result, flags);
  }
  Owner& owner_;
};

class Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { close(); }

  // On the thread that will use it.  Leaves out what this kernel refuses.
  Result<> open();
  void close();

  // The next submission, cleared; the caller prepares it at once.  Never fails: what does not fit into the
  // ring waits outside of it.  `completion` may be null: then nobody is told.
  io_uring_sqe& next(Completion* completion);

  // Asks the kernel to cancel; both complete, the operation with ECANCELED or with what it came to.
  void cancel(Completion& target);

  bool is_open() const { return open_; }
  bool has_completions() const { return io_uring_cq_ready(&ring_) > 0; }

  // Runs the completions that are there now, at most `most`.  Returns how many.
  unsigned run_completions(unsigned most);

  // Hands over what was prepared and takes in what has completed, without waiting.
  void submit();
  // The same, and sleeps until something completes or the time is over; no timeout: for ever.
  void submit_and_sleep(std::optional<Duration> timeout);

  io_uring& raw() { return ring_; }

 private:
  void refill();

  io_uring ring_{};
  bool open_ = false;
  std::deque<io_uring_sqe> backlog_;
};

}  // namespace weft::reactor
