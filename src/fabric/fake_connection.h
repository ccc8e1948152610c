// A connection without a transport, on the contract of fabric.h: a test is the host.  It submits queue
// entries with data, and sees what was answered, in which order and with what data.  Nothing moves but on the
// loop, so a test on a TestLoop is deterministic.  A queue that breaks the contract (answers twice, pulls
// what it was not given, retires with a command unanswered) is a failed check.
//
// Everything belongs to the connection's loop.  No allocation for a command, once as many were in flight
// before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "base/intrusive.h"
#include "fabric/fabric.h"

namespace weft::fabric {

class FakeConnection;

// The host's memory for a command, which stays the host's until the command has finished, and how the data
// pointer names it.
struct HostData {
  enum class Pointer : std::uint8_t {
    transport,  // the SQE gets a transport SGL of the data's length (0 without data)
    capsule,    // `out` travels in the capsule
    as_given,   // the SQE is the test's: `out` is in the capsule if the descriptor says so
  };
  std::span<const std::byte> out{};  // to the controller
  std::span<std::byte> in{};         // from the controller
  Pointer pointer = Pointer::transport;
  Pull::Outcome outcome = Pull::Outcome::ok;  // what becomes of the pull: ok or digest_error
  bool keep_cid = false;                      // the SQE's own, else one that no other command in flight has
};

// A command that the host sent, and what became of it.  Belongs to its connection; valid until
// FakeConnection::release.
class Exchange : public Command, public ListHook<> {
 public:
  enum class State : std::uint8_t {
    idle,
    sent,       // the queue has it
    answered,   // the answer leaves at the end of the turn
    completed,  // the host has the answer
    lost,       // answered when the connection had ended, or never taken
    abandoned,  // the queue gave it back unanswered, after the end
  };

  State state() const { return state_; }
  bool finished() const { return state_ >= State::completed; }
  bool completed() const { return state_ == State::completed; }

  // Of a completed command.
  const wire::Cqe& cqe() const { return cqe_; }
  wire::Status status() const { return cqe_.decoded_status(); }
  std::uint32_t data_in_bytes() const { return data_in_bytes_; }  // that came to HostData::in
  std::uint64_t order() const { return order_; }  // among the completions of this connection, from 1

  bool pull_waits() const { return pull_ != nullptr; }
  bool was_pulled() const { return was_pulled_; }

  // Called when it has finished: at the end of the turn that completed it, or inside the queue's call when
  // the connection has ended.  May release this exchange and, while is_ending() is false, submit others.
  using Finished = void (*)(Exchange&, void* context) noexcept;
  void when_finished(Finished function, void* context) {
    finished_function_ = function;
    context_ = context;
  }

 private:
  friend class FakeConnection;
  State state_ = State::idle;
  bool was_pulled_ = false;
  bool deserted_ = false;
  bool too_late_ = false;
  std::uint16_t own_cid_ = 0;
  std::uint32_t data_in_bytes_ = 0;
  std::uint64_t order_ = 0;
  wire::Cqe cqe_{};
  HostData data_;
  Pull* pull_ = nullptr;
  DataOut* data_out_ = nullptr;
  Finished finished_function_ = nullptr;
  void* context_ = nullptr;
  Exchange* next_free_ = nullptr;
};

class FakeConnection final : public Connection {
 public:
  explicit FakeConnection(Loop& loop, Path path = default_path());
  FakeConnection(const FakeConnection&) = delete;
  FakeConnection& operator=(const FakeConnection&) = delete;
  ~FakeConnection();  // never attached, or retired and idle

  static Path default_path();  // TCP on 127.0.0.1:4420

  void attach(Acceptor& acceptor);

  // The host's part.

  // Sends a command.  After the connection's end it is lost at once.
  Exchange& submit(const wire::Sqe& sqe, const HostData& data = {});
  void release(Exchange& exchange);  // a finished one
  // The host looks away: its memory is not touched any more, what it still should send never comes, and the
  // exchange is released when it finishes.
  void desert(Exchange& exchange);

  void hold_pulls();                     // the host is slow: pulls wait
  void let_pull(std::size_t count = 1);  // the next `count` of them may go on, waiting or to come
  void resume_pulls();
  std::size_t pulls_waiting() const { return pulls_.size(); }
  // Of all pulls from now on that HostData lets succeed: ok or digest_error.
  void set_pull_outcome(Pull::Outcome outcome) { pull_outcome_ = outcome; }

  // The connection breaks: nothing more comes or goes.  The queue learns it in a later turn.
  void cut();

  // What the target did.
  bool is_attached() const { return queue_ != nullptr; }
  bool is_ending() const { return phase_ != Phase::open; }  // closed or cut
  bool is_retired() const { return phase_ == Phase::retired; }
  std::optional<CloseReason> close_reason() const { return close_reason_; }
  const std::optional<QueueLimits>& limits() const { return limits_; }
  std::size_t in_flight() const { return in_flight_; }  // that the queue has to answer
  std::uint64_t completions() const { return completions_; }
  bool has_work_posted() const { return flush_.is_posted() || serve_pulls_.is_posted() || end_.is_posted(); }

  // Connection, for the queue.
  Loop& loop() override { return loop_; }
  const Path& path() const override { return path_; }
  wire::SglSupport sgl_support() const override { return wire::SglSupport::transport; }
  void established(const QueueLimits& limits) override;
  void pull(Command& command, Pull& pull) override;
  void complete(Command& command, const wire::Cqe& cqe) override { answer(command, cqe, nullptr); }
  void complete(Command& command, const wire::Cqe& cqe, DataOut& data) override {
    answer(command, cqe, &data);
  }
  void abandon(Command& command) override;
  void close(CloseReason reason) override;
  void retire() override;

 private:
  enum class Phase : std::uint8_t { open, ending, ended, retired };
  static constexpr std::size_t kNoLimit = ~std::size_t{0};

  // Both lists are short; pulls_waiting() counts.
  using Exchanges = boost::intrusive::list<Exchange, boost::intrusive::base_hook<ListHook<>>>;

  Exchange& take();
  void fill_in(Exchange& exchange, const wire::Sqe& sqe, const HostData& data);
  void answer(Command& command, const wire::Cqe& cqe, DataOut* data);
  void deliver(Exchange& exchange, DataOut* data);
  void finish(Exchange& exchange, Exchange::State state);
  void start_end();
  void flush();
  void serve_pulls();
  void end();

  Loop& loop_;
  const Path path_;
  Queue* queue_ = nullptr;
  Phase phase_ = Phase::open;
  bool drop_answers_ = false;  // what waits in outbox_ does not reach the host
  Pull::Outcome pull_outcome_ = Pull::Outcome::ok;
  std::optional<CloseReason> close_reason_;
  std::optional<QueueLimits> limits_;
  std::size_t in_flight_ = 0;
  std::uint64_t completions_ = 0;
  std::size_t pulls_allowed_ = kNoLimit;
  std::deque<Exchange> exchanges_;  // its place is a command's own cid
  Exchange* free_ = nullptr;
  Exchanges outbox_;  // answered, in order
  Exchanges pulls_;   // in order
  MemberTask<FakeConnection, &FakeConnection::flush> flush_{*this};
  MemberTask<FakeConnection, &FakeConnection::serve_pulls> serve_pulls_{*this};
  MemberTask<FakeConnection, &FakeConnection::end> end_{*this};
};

}  // namespace weft::fabric
