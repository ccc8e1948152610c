// The contract between a transport and the target: a queue pair's connection, the capsules that come through
// it, the duty to answer each exactly once, and the movement of data.  A command's life is written once, in
// the target; a transport knows no command but the length of its data.
//
// Everything here belongs to the connection's loop, except where it says "any thread".
//
// Life: the transport accepts a connection and calls Acceptor::accept, which gives it a Queue.  Each capsule
// goes to Queue::receive with a Reply.  When the connection is lost, or close() was called, the transport
// first ends every Pull that is in progress (Pull::done with lost) and every data-out (released), then calls
// Queue::disconnected once, and calls the queue no more.  The queue then answers or abandons what it still
// holds (a command that hangs at a backend is abandoned at once) and calls Connection::retire; after that
// neither refers to the other.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/attribute.h"
#include "base/check.h"
#include "base/ids.h"
#include "base/loop.h"
#include "base/result.h"
#include "wire/log_page.h"
#include "wire/sgl.h"
#include "wire/sqe.h"

namespace weft::fabric {

// One command of the transport; the transport derives its own object from it.  Lives until it was answered.
struct Command {
  wire::Sqe sqe;
  std::uint32_t in_capsule_bytes = 0;  // data in the capsule, still to be pulled
};

// Host-to-controller data on its way into memory of the target.  The owner embeds it and keeps it until done
// ran.
class Pull : public ListHook<> {
 public:
  enum class Outcome : std::uint8_t {
    ok,
    digest_error,  // the data is damaged: Transient Transport Error
    lost           // the connection is ending: the answer will not be sent
  };
  using Done = void (*)(Pull&, Outcome) noexcept;
  std::span<const iovec> into;  // in total the data pointer's length or less; the rest of the data is dropped
  Done done = nullptr;          // in a later turn or this one, never inside pull()
};

// Memory of the target on its way to the host.
class DataOut {
 public:
  using Released = void (*)(DataOut&) noexcept;
  std::span<const iovec> from;
  Released released =
      nullptr;  // the memory is no longer referred to; in a later turn or this one, never inside complete()
};

enum class CloseReason : std::uint8_t {
  host_disconnect,  // Disconnect command: a quiet end, after what was answered has left
  controller_end,   // reset, shutdown, keep alive expired, fatal status
  removed,          // the administrator removed the port, the host or the subsystem
  shutdown,         // the process ends
};
std::string_view name(CloseReason reason);

// What the transport learns when Connect has succeeded.
struct QueueLimits {
  Qid qid;
  std::uint32_t entries = 32;                   // commands that may be outstanding
  std::uint32_t in_capsule_bytes = 8192;        // data that a capsule may carry
  std::uint32_t max_transfer_bytes = 1u << 20;  // of one command
};

// How this host reached the target: for the discovery log, host lists, logs and status.
struct Path {
  wire::TransportType trtype = wire::TransportType::tcp;
  wire::AddressFamily adrfam = wire::AddressFamily::ipv4;
  std::string traddr;   // the address that the host connected to
  std::string trsvcid;  // and its service
  std::string peer;     // the host's end, for people: 10.0.0.7:51234
};

// The transport's end of one queue pair.
class Connection {
 public:
  virtual Loop& loop() = 0;              // any thread
  virtual const Path& path() const = 0;  // any thread
  virtual wire::SglSupport sgl_support() const = 0;

  virtual void established(const QueueLimits& limits) = 0;

  // Moves the command's data into pull.into.  Once for each command, and only if it has data.  The transport
  // takes no more of this connection's input than it needs while a command with data has not been pulled or
  // answered.
  virtual void pull(Command& command, Pull& pull) = 0;

  // The answer.  Data goes out before or with the completion, and only with a status of success.
  virtual void complete(Command& command, const wire::Cqe& cqe) = 0;
  virtual void complete(Command& command, const wire::Cqe& cqe, DataOut& data) = 0;

  // Takes the command back without an answer; only after Queue::disconnected.
  virtual void abandon(Command& command) = 0;

  // Ends the connection; Queue::disconnected follows in a later turn.  What was completed before still
  // leaves, whatever the reason, for a bounded time.  Further calls have no effect.
  virtual void close(CloseReason reason) = 0;

  // The queue is done with this connection: all commands are answered or abandoned.
  virtual void retire() = 0;

 protected:
  ~Connection() = default;
};

// The duty to answer one command exactly once.  Dropping it unanswered is a failed check.
class Reply {
 public:
  Reply() = default;
  Reply(Connection& connection, Command& command) : connection_(&connection), command_(&command) {}
  Reply(Reply&& other) noexcept
      : connection_(other.connection_), command_(std::exchange(other.command_, nullptr)) {}
  Reply& operator=(Reply&& other) noexcept {
    WEFT_CHECK(command_ == nullptr, "a command is answered before another takes its place");
    connection_ = other.connection_;
    command_ = std::exchange(other.command_, nullptr);
    return *this;
  }
  ~Reply() { WEFT_CHECK(command_ == nullptr, "every command is answered exactly once"); }

  bool pending() const { return command_ != nullptr; }
  const wire::Sqe& sqe() const { return command_->sqe; }
  Cid cid() const { return Cid(command_->sqe.cid); }
  std::uint32_t in_capsule_bytes() const { return command_->in_capsule_bytes; }
  void pull(Pull& pull) { connection_->pull(*command_, pull); }
  void complete(const wire::Cqe& cqe) { connection_->complete(*std::exchange(command_, nullptr), cqe); }
  void complete(const wire::Cqe& cqe, DataOut& data) {
    connection_->complete(*std::exchange(command_, nullptr), cqe, data);
  }
  void abandon() { connection_->abandon(*std::exchange(command_, nullptr)); }

 private:
  Connection* connection_ = nullptr;
  Command* command_ = nullptr;
};

// The target's end of one queue pair.
class Queue {
 public:
  virtual void receive(Reply reply) = 0;
  virtual void disconnected() = 0;

 protected:
  ~Queue() = default;
};

// Where the connections of one listener go: a port of the target.
class Acceptor {
 public:
  // On the connection's loop.  The queue takes Connect first and nothing else.  Never refuses.
  virtual Queue& accept(Connection& connection) = 0;

 protected:
  ~Acceptor() = default;
};

// A listening address of a transport.  Destroying it (off the loops; may block for a turn of each) stops the
// accepting; connections live on.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual std::string traddr() const = 0;   // as bound
  virtual std::string trsvcid() const = 0;  // as bound: a port 0 became a number
};

struct ListenOptions {
  std::string traddr;
  std::string trsvcid;
};

// One kind of fabric, as main() hands it to the configuration.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual std::string_view name() const = 0;  // tcp, loop, rdma
  virtual wire::TransportType trtype() const = 0;
  // The canonical form of an address, or EINVAL that names the right spelling.
  virtual Result<ListenOptions> canonical(const ListenOptions& options) const = 0;
  virtual wire::AddressFamily adrfam(const ListenOptions& options) const = 0;
  // Off the loops.  The acceptor outlives the listener and its connections.
  virtual Result<std::unique_ptr<Listener>> listen(const ListenOptions& options, Acceptor& acceptor) = 0;
};

}  // namespace weft::fabric
