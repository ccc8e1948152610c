// One operation on a backend.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/intrusive.h"

namespace weft::block {

enum class Op : std::uint8_t {
  read,
  write,
  flush,         // everything that completed before it was submitted is durable when it completes; no range
  write_zeroes,  // reads return zeroes afterwards; may_unmap allows to give the space back
  discard,  // a hint: the contents may be anything old or zero, never another's; backends return zeroes where
            // they can
};

inline bool modifies(Op op) {
  return op == Op::write || op == Op::write_zeroes || op == Op::discard;
}

// Memory of a backend's own that a read was answered with, so that nothing has to be copied.  It does not
// change until it is given back, whatever is written meanwhile.  The submitter embeds it.  Belongs to the
// channel's loop, and goes back before the channel ends.
class Loan {
 public:
  class Lender {
   public:
    virtual void take_back(const iovec& memory) noexcept = 0;

   protected:
    ~Lender() = default;
  };

  bool is_given() const { return lender_ != nullptr; }
  const iovec& memory() const { return memory_; }
  void give(Lender& lender, const iovec& memory) {
    lender_ = &lender;
    memory_ = memory;
  }
  void give_back() { std::exchange(lender_, nullptr)->take_back(memory_); }

 private:
  Lender* lender_ = nullptr;
  iovec memory_{};
};

// The submitter owns the request, embeds it and keeps it and its data alive until done ran.
class Request : public ListHook<> {
 public:
  using Done = void (*)(Request&) noexcept;

  Op op = Op::read;
  bool fua = false;          // write, write_zeroes: durable when it completes
  bool may_unmap = false;    // write_zeroes
  std::uint64_t lba = 0;     // in logical blocks
  std::uint64_t blocks = 0;  // 1 or more, but 0 for flush
  std::span<const iovec>
      data;  // read, write: exactly blocks * block_bytes, page-aligned pieces that are multiples of the block

  // read without data, of a channel that lends(): the answer is given here.  Not given, and no error: not
  // now, ask for a copy.
  Loan* loan = nullptr;

  // The answer: 0 or an errno.  A range beyond the end is ENOSPC for a write and EINVAL for everything else
  // when the submitter did not check; EIO where data could not be read or written; ENODEV after the backend
  // has gone.
  int error = 0;
  Done done =
      nullptr;  // runs on the channel's loop, in a later turn than submit or at least after submit returned

  std::uint64_t end() const { return lba + blocks; }
  bool is_declined() const { return loan != nullptr && !loan->is_given() && error == 0; }
};

}  // namespace weft::block
