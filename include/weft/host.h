// Weft as a host of NVMe over Fabrics targets, in a program of one's own: no daemon, no kernel module, no
// root.
//
//   auto host = weft::client::Host::start({});
//   auto disk = (*host)->open("tcp://10.0.0.5,10.0.0.6/nqn.2026-01.com.example:disk");
//   (*disk)->write(0, data);
//
// Link with what `pkg-config --cflags --libs weft-host` says.  Everything is owned by the caller: namespaces
// and controllers go before their host.  Calls that say "blocks" come from any thread but the library's own,
// on which callbacks run.  Offsets and lengths are bytes; errors carry an errno and a line for people.
#pragma once

#include <sys/uio.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::client {

struct Failure {
  int code = 0;  // an errno
  std::string message;
};
template <class T = void>
using Outcome = std::expected<T, Failure>;

struct HostOptions {
  std::string hostnqn =
      {};  // empty: /etc/nvme/hostnqn, else one that is made from the machine and stays the same
  std::string hostid = {};  // a UUID; empty: /etc/nvme/hostid, else the one in the name
  unsigned threads = 1;
  bool header_digest = false;
  bool data_digest = false;
  std::uint16_t queues = 1;  // I/O queues of each namespace
  std::uint32_t queue_entries = 128;
  std::chrono::seconds keep_alive{5};   // 0: none
  std::chrono::seconds loss_time{600};  // how long a target that was lost is tried again
  // How long commands wait while no way to the target is accessible; empty: loss_time.
  std::optional<std::chrono::milliseconds> no_path_time = {};
};

// What a discovery service tells (NVMe Base 2.1, section 5.1.12.3.1).
struct Subsystem {
  std::string transport;  // "tcp", "rdma", ...
  std::string traddr;
  std::string trsvcid;
  std::string subnqn;
  bool is_referral = false;  // to another discovery service
};

// One I/O command that runs by itself.  The caller keeps it and its data until `done` was called, which is
// once, on a thread of the library, and must not block.  Then it may be used again or destroyed, there too.
class Command {
 public:
  enum class Kind : std::uint8_t { read, write, compare, write_zeroes, discard, flush, any };

  Command();
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Kind kind = Kind::read;
  std::uint64_t offset = 0;  // a multiple of the block
  std::uint64_t length = 0;  // of write_zeroes and discard; else what `data` has
  bool force_unit_access = false;
  bool may_deallocate = false;        // write_zeroes
  std::vector<iovec> data;            // read, write, compare, any: at most most_bytes()
  std::array<std::byte, 64> entry{};  // any: the submission queue entry, without command id and data pointer
  // Of a compare: the write that becomes one with it, where the target can do that.  It is not submitted by
  // itself, and `done` of this one says that both have ended.
  Command* fused_with = nullptr;
  std::function<void(Command&)> done;

  // Once it is done.
  bool ok() const;
  Failure failure() const;       // code 0: it is ok
  std::uint16_t status() const;  // of the completion, without the phase; 0 when none came
  std::uint64_t result() const;  // dwords 0 and 1 of the completion

 private:
  friend class Namespace;
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

// How one way to a namespace stands.
struct Way {
  std::string traddr;
  std::string trsvcid;
  std::string state;      // connecting, live, unusable, lost, gone
  std::string ana_state;  // optimized, ...; empty: the target knows no such states
  unsigned losses = 0;
  std::string why;  // of the last loss, or why it is unusable
};

// A namespace, over all ways that its name names: the best by asymmetric access carries the commands, and the
// next one when it is lost.
class Namespace {
 public:
  ~Namespace();  // blocks for a shutdown; no command is under way
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  // Any thread.
  std::uint32_t nsid() const;
  std::uint32_t block_bytes() const;
  std::uint64_t bytes() const;       // now: it follows the target
  std::uint64_t most_bytes() const;  // of one command
  bool is_read_only() const;
  std::size_t queues() const;
  std::vector<Way> ways() const;

  // Blocks.  Any length that is a multiple of the block.
  Outcome<> read(std::uint64_t offset, std::span<std::byte> into);
  Outcome<> write(std::uint64_t offset, std::span<const std::byte> from);
  Outcome<> write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_deallocate = true);
  Outcome<> discard(std::uint64_t offset, std::uint64_t length);
  Outcome<> flush();  // what was written before is durable when it returns

  // Any thread; returns at once, and `done` is called in any case.
  void submit(Command& command, std::size_t queue = 0);
  // It ends soon: see Command::failure() for ECANCELED, unless it came too late.
  void cancel(Command& command);
  // From now on commands fail, those that wait for the target too.
  void stop();
  // Called on a thread of the library when the size has changed.  Set once.
  void on_resize(std::function<void(std::uint64_t bytes)> told);

 private:
  friend class Host;
  struct Impl;
  explicit Namespace(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

// The admin queue of one controller, for what asks or sets and moves no user data.
class Controller {
 public:
  ~Controller();  // blocks for a shutdown
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Blocks.
  Outcome<std::vector<std::byte>> identify(std::uint8_t cns, std::uint32_t nsid = 0);
  Outcome<std::vector<std::byte>> log(std::uint8_t page, std::uint64_t bytes,
                                      std::uint32_t nsid = 0xFFFFFFFF);
  Outcome<std::vector<std::uint32_t>> namespaces();  // active ones
  // Any command: the entry without command id and data pointer.  Dwords 0 and 1 of the completion.
  Outcome<std::uint64_t> admin(std::span<const std::byte, 64> entry, std::span<std::byte> data = {});

 private:
  friend class Host;
  struct Impl;
  explicit Controller(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

class Host {
 public:
  static Outcome<std::unique_ptr<Host>> start(const HostOptions& options);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const std::string& nqn() const;

  // Blocks.  EAGAIN when no way is accessible now.  A target is named
  // tcp://HOST[:PORT][,HOST[:PORT]...]/NQN[?ns=N]; several hosts are ways to one subsystem.
  Outcome<std::unique_ptr<Namespace>> open(std::string_view target);
  // tcp://HOST[:PORT]/NQN: one controller, without I/O queues.
  Outcome<std::unique_ptr<Controller>> connect(std::string_view target);
  // tcp://HOST[:PORT]; 8009 is the port when none is given.  Referrals are followed, each once.
  Outcome<std::vector<Subsystem>> discover(std::string_view service);

 private:
  struct Impl;
  explicit Host(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace weft::client
