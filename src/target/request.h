// One command on its way through the target: what it needs, what it holds and what it waits for.  It belongs
// to its queue's loop and comes from that loop's slab.
//
// A handler runs in steps.  Each step is one of the waiting calls below, which goes on with a function of the
// handler
// (`next`) when it succeeded, and ends the command itself when it did not: with the right status, or silently
// when the connection is gone.  A handler that is done calls one of the complete functions.  After either
// call the handler must not touch the request.
#pragma once

#include <cstdint>
#include <span>

#include "base/buffer.h"
#include "base/intrusive.h"
#include "block/backend.h"
#include "fabric/fabric.h"
#include "wire/command_error.h"
#include "wire/sgl.h"

namespace weft::target {

class FusedPair;
class Queue;
class NamespaceView;
struct Request;
struct CommandRow;

using Step = void (*)(Request&);

struct Request : ListHook<> {
  Request(Queue& owner, fabric::Reply duty);
  ~Request();

  // --- for handlers
  const wire::Sqe& sqe() const { return reply.sqe(); }
  Queue& queue;
  NamespaceView* ns = nullptr;        // entered; for rows that need a namespace
  FusedPair* pair = nullptr;          // one half of it: its answer is the pair's to give
  wire::DataPointer pointer;          // the command's data, checked against the capsule
  std::uint64_t scratch[2] = {0, 0};  // the handler's, between steps

  // Takes memory for `bytes` (1 or more).
  void take_buffers(std::size_t bytes, Step next);
  // Moves `bytes` of the host's data into the buffers, taking them first.  A data pointer whose length is
  // less than `bytes` is Data SGL Length Invalid; more is dropped.
  void receive_data(std::size_t bytes, Step next);
  // The same into memory that the handler chose out of its buffers.
  void pull_into(std::span<const iovec> into, Step next);

  // The backend's turn: `io` is filled in but for its done.  What modifies, and what says `ordered`, waits
  // for overlapping late writes first.  Errors of the backend end the command with the status of the error
  // table.
  void run_io(Step next, bool ordered = false);
  struct BackendIo : block::Request {
    explicit BackendIo(target::Request& request) : owner(request) {}
    target::Request& owner;
  };
  BackendIo io{*this};

  void complete() { complete(wire::status::kSuccess); }
  void complete(wire::Status status) { finish(status, 0, 0); }
  void complete(wire::CommandError error);  // with the guilty field in the error log
  void complete_result(std::uint64_t result) { finish(wire::status::kSuccess, result, 0); }
  // Sends the first `bytes` of the loan, if there is one, or of the buffers, cut to the length of the data
  // pointer.
  void complete_data(std::size_t bytes, std::uint64_t result = 0);
  // Copies `content` to the front of the buffers and fills the rest with zeroes.
  void fill(std::span<const std::byte> content);
  // A copy of the first bytes of the buffers.
  void read_out(std::span<std::byte> into) const;

  // --- for the queue
  enum class State : std::uint8_t {
    running,
    awaiting_buffers,
    pulling,
    fenced,
    claiming,  // a half of a pair that waits for its range, or for its other half at the backend
    in_backend,
    awaited,  // there, and a pair waits for its end
    sending,
    parked,
    late
  };
  fabric::Reply reply;
  const CommandRow* row = nullptr;
  const Cid cid;
  const Time came_at;
  State state = State::running;
  bool counted = false;  // its id is in the queue's set
  // Waits for something that is not of the data path (an event, another loop).  If the connection is lost
  // meanwhile, `lost` is called to make whoever would wake it forget it; the request is freed after that.
  void park(Step lost);

  void finish(wire::Status status, std::uint64_t result, std::size_t data_bytes,
              std::uint16_t error_location = 0xFFFF);
  void connection_lost();  // ends what waits; what is at the backend becomes late
  // A pair is to compare this range: if this command is changing it now, the pair's fence waits for its end.
  void await_if_changing(const block::Backend& backend, std::uint64_t lba, std::uint64_t blocks);
  bool try_abort();  // true: it ended with Command Abort Requested

 private:
  struct BufferWait : BufferPool::Waiter {
    BufferWait(Request& owner) : Waiter(&granted, owner.buffers), request(owner) {}
    static void granted(BufferPool::Waiter& waiter) noexcept;
    Request& request;
  };
  struct DataPull : fabric::Pull {
    explicit DataPull(Request& owner) : request(owner) {}
    Request& request;
  };
  struct Sending : fabric::DataOut {
    explicit Sending(Request& owner) : request(owner) {}
    Request& request;
  };
  struct FencePass : Task {
    explicit FencePass(Request& owner) : Task(&run), request(owner) {}
    static void run(Task& task) noexcept;
    Request& request;
  };
  static void pulled(fabric::Pull& pull, fabric::Pull::Outcome outcome) noexcept;
  static void released(fabric::DataOut& out) noexcept;
  static void io_done(block::Request& io) noexcept;
  void submit_io();
  void fence_io();
  void lose();
  std::span<const iovec> data_to_send(std::size_t bytes);
  void dispose();
  bool gone() const;

  bool ordered_ = false;
  Step next_ = nullptr;
  Step after_pull_ = nullptr;
  Step lost_ = nullptr;
  Sending sending_{*this};
  DataPull pull_{*this};
  BufferWait buffer_wait_{*this};
  block::Fence::Late late_;
  FencePass fence_pass_{*this};
  block::Fence::Waiter fence_waiter_;

 public:
  iovec piece{};     // the handler's: for io.data, when that is one part of the buffers
  block::Loan loan;  // the handler's: instead of buffers
  Buffers buffers;   // the handler's; last, since a small command uses only the front of it
};

}  // namespace weft::target
