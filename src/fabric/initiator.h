// The contract between a transport and a host: the host's end of one queue pair, commands that go through it
// and end exactly once, and their data.  The other side of fabric.h; a transport knows no command but which
// way its data goes (NVMe Base 2.1, bits 1:0 of an opcode or of a Fabrics command's type).
//
// Everything here belongs to the connection's loop, except where it says "any thread".
//
// Life: Initiator::connect gives a connection at once; on_ready or on_ended follows in a later turn. Commands
// are submitted between on_ready and on_ended or close(), whichever comes first.  After close() every command
// that has not ended ends as lost, then on_closed comes, and the connection may be destroyed.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/result.h"
#include "fabric/fabric.h"
#include "wire/opcodes.h"
#include "wire/sqe.h"

namespace weft::fabric {

// One command of a host on its way.  The owner embeds it and keeps it, with its data, until done ran.
class HostCommand : public ListHook<> {
 public:
  enum class End : std::uint8_t {
    completed,  // cqe is what the controller answered
    damaged,    // the same, but its data did not come whole: a digest was wrong or bytes are missing
    lost,       // the connection ended before; the controller may have executed it or not
  };
  using Done = void (*)(HostCommand&) noexcept;

  wire::Sqe sqe{};              // without cid and data pointer: those are the transport's
  std::span<const iovec> data;  // read or filled, as the command says; less than 4 GiB
  Done done = nullptr;          // in a later turn than submit()

  End end = End::lost;
  wire::Cqe cqe{};

  wire::DataDirection direction() const {
    return wire::data_direction(sqe.opcode == wire::kFabricsOpcode ? sqe.fctype() : sqe.opcode);
  }
};

// A host's end of one queue pair.
class HostConnection {
 public:
  virtual ~HostConnection() = default;  // after on_closed
  virtual void submit(HostCommand& command) = 0;
  // How much data a capsule of an I/O queue may carry, which Identify Controller says (IOCCSZ).
  virtual void set_in_capsule_bytes(std::uint32_t bytes) = 0;
  // Ends the connection; what was submitted before still leaves, for a bounded time.  Further calls have no
  // effect.
  virtual void close() = 0;
};

class HostConnectionOwner {
 public:
  virtual void on_ready() = 0;
  // It failed, or the other side ended it.  The owner calls close(), here or later.  Not after close().
  virtual void on_ended(const Error& why) = 0;
  virtual void on_closed() = 0;

 protected:
  ~HostConnectionOwner() = default;
};

struct ConnectOptions {
  std::string traddr;
  std::string trsvcid;
  bool header_digest = false;  // TCP: asked for, and the connection fails when it is not granted
  bool data_digest = false;
  Duration open_time = std::chrono::seconds(10);  // until on_ready
};

// One kind of fabric, as a host uses it.
class Initiator {
 public:
  // Destroyed when its connections are gone; with a connect(2) under way that was given up, once the loops
  // have ended.
  virtual ~Initiator() = default;
  virtual std::string_view name() const = 0;  // tcp, loop
  virtual wire::TransportType trtype() const = 0;
  // The address is what canonical() gave.  On the loop.
  virtual std::unique_ptr<HostConnection> connect(Loop& loop, const ConnectOptions& options,
                                                  HostConnectionOwner& owner) = 0;
  // A numeric address in its one spelling, or EINVAL that names the rule.  Any thread.
  virtual Result<ListenOptions> canonical(const ListenOptions& options) const = 0;
};

}  // namespace weft::fabric
