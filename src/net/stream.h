// What a byte stream, a listener and a network are.  The reactor implements them on sockets, a simulation in
// memory; TLS will be a stream over a stream.  Everything here belongs to one loop and is used there only,
// unless it says otherwise.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/result.h"
#include "net/address.h"

namespace weft::net {

// Received bytes on loan from the stream's loop.  Move-only; destroying it, on the same loop, gives them
// back. Whoever keeps many of them for long starves other streams: keep one while waiting, with receiving
// paused.
class Chunk {
 public:
  class Lender {
   public:
    virtual void give_back(std::uint32_t token) = 0;

   protected:
    ~Lender() = default;
  };

  Chunk() = default;
  Chunk(std::span<const std::byte> bytes, Lender* lender, std::uint32_t token)
      : bytes_(bytes), lender_(lender), token_(token) {}
  Chunk(Chunk&& other) noexcept : bytes_(other.bytes_), lender_(other.lender_), token_(other.token_) {
    other.lender_ = nullptr;
    other.bytes_ = {};
  }
  Chunk& operator=(Chunk&& other) noexcept {
    if (this != &other) {
      release();
      bytes_ = other.bytes_, lender_ = other.lender_, token_ = other.token_;
      other.lender_ = nullptr;
      other.bytes_ = {};
    }
    return *this;
  }
  ~Chunk() { release(); }

  std::span<const std::byte> bytes() const { return bytes_; }
  void skip(std::size_t count) { bytes_ = bytes_.subspan(count); }  // consumed from the front
  bool empty() const { return bytes_.empty(); }

 private:
  void release() {
    if (lender_ != nullptr) lender_->give_back(token_);
    lender_ = nullptr;
  }
  std::span<const std::byte> bytes_;
  Lender* lender_ = nullptr;
  std::uint32_t token_ = 0;
};

// Bytes to send.  The owner embeds it and keeps it, its list of pieces and the bytes until done ran.
// Everything that one turn of the loop queued on a stream leaves in one send at the end of the turn, in
// order.
class SendOp : public ListHook<> {
 public:
  using Done = void (*)(SendOp&, int error) noexcept;  // error: 0 when the kernel has taken all, or an errno
  std::span<const iovec> pieces;
  Done done = nullptr;  // in a later turn, or during close; never inside send()
};

class StreamHandler {
 public:
  // The next bytes, in order.  May be called again before the handler has consumed earlier chunks that it
  // keeps.
  virtual void on_received(Chunk chunk) = 0;
  // The bytes asked for by receive_into are there.
  virtual void on_received_into() = 0;
  // The peer has closed, or the connection failed with an errno (0 for an orderly end).  Comes once, and not
  // after close().  The handler then calls close().
  virtual void on_ended(int error) = 0;
  // After close(): every SendOp is done, nothing refers to the handler any more, and the stream may be
  // destroyed (here, by the owner, is the place).  Comes once, in a later turn than close().
  virtual void on_closed() = 0;

 protected:
  ~StreamHandler() = default;
};

class Stream {
 public:
  virtual ~Stream() = default;  // only after on_closed

  virtual void send(SendOp& op) = 0;

  // Stops calls of on_received within this turn (bytes already taken from the socket may come on resume), and
  // starts them again.  A stream starts resumed.  The end of the peer is still noticed while paused.
  virtual void pause() = 0;
  virtual void resume() = 0;

  // The next into.size() bytes of the stream (after those already given out in chunks) go there instead of
  // into chunks; then on_received_into comes, in a later turn or in this one but never inside this call.  One
  // at a time. A close() drops it silently once on_closed has come.
  virtual void receive_into(std::span<std::byte> into) = 0;

  enum class CloseMode : std::uint8_t {
    abort,    // drop what waits to be sent
    flushing  // send what waits, for at most a second, then close
  };
  virtual void close(CloseMode mode) = 0;

  virtual const Address& local() const = 0;
  virtual const Address& peer() const = 0;
  virtual Loop& loop() = 0;
};

// An accepted connection that belongs to no loop yet.  Any thread.  Destroying it closes the connection.
class Accepted {
 public:
  virtual ~Accepted() = default;
  virtual const Address& local() const = 0;
  virtual const Address& peer() const = 0;
};

class AcceptHandler {
 public:
  virtual void on_accepted(std::unique_ptr<Accepted> connection) = 0;  // on the listener's loop

 protected:
  ~AcceptHandler() = default;
};

class Listener {
 public:
  virtual ~Listener() = default;  // on its loop or after the loop stopped; no call comes afterwards
  virtual const Address& address() const = 0;  // with the port that was really bound
};

class ConnectHandler {
 public:
  // Exactly once, in a later turn: a connection, or an errno.
  virtual void on_connected(std::unique_ptr<Accepted> connection, int error) = 0;

 protected:
  ~ConnectHandler() = default;
};

// The network as one loop sees it.
class Network {
 public:
  virtual ~Network() = default;
  virtual Loop& loop() = 0;

  // Binds and listens (any thread; does not block), then accepts on this loop.  Port 0 takes a free one.
  // Errors name the address and what holds it where that is known.
  virtual Result<std::unique_ptr<Listener>> listen(const Address& address, AcceptHandler& handler) = 0;

  // Accepts on a socket that listens already, of whatever family, and closes it in the end; the addresses of
  // its connections say nothing when it is no IP socket.  Any thread.  Networks without sockets: EOPNOTSUPP.
  virtual Result<std::unique_ptr<Listener>> listen_on(int /*fd*/, AcceptHandler& /*handler*/) {
    return fail(EOPNOTSUPP, "this network has no sockets");
  }

  // Takes a connection into this loop (here only).
  virtual std::unique_ptr<Stream> adopt(std::unique_ptr<Accepted> connection, StreamHandler& handler) = 0;

  virtual void connect(const Address& address, ConnectHandler& handler) = 0;  // here only
};

// The Network of each Loop.
class Networks {
 public:
  virtual ~Networks() = default;
  virtual Network& of(Loop& loop) = 0;  // any thread
  virtual Loops& loops() = 0;
};

}  // namespace weft::net
