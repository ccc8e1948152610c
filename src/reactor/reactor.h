// Reactors: threads that each run one io_uring.  A reactor is a Loop, the Network of that loop, its FileIo
// and its DeviceIo.  It sleeps in the kernel while there is nothing to do, at once or after a moment.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/result.h"
#include "net/stream.h"
#include "reactor/device_io.h"
#include "reactor/file_io.h"

namespace weft::reactor {

class Reactor;

struct ReactorsOptions {
  unsigned count = 1;                                              // threads; at least 1
  unsigned in_use = 0;                                             // see Loops::use; 0: all
  std::size_t buffer_bytes_each = std::size_t{256} * 1024 * 1024;  // limit of each loop's BufferPool
  // Reactor i is pinned to cpus[i % size]; empty: it stays on the CPUs of one memory node.
  std::vector<unsigned> cpus;
  // How long a reactor that has nothing to do looks for work before it sleeps: what comes then costs no
  // wake-up, and the CPU is in use meanwhile.  Duration::max(): it never sleeps.  Empty: a moment, while work
  // comes that soon (spin_policy.h).
  std::optional<Duration> spin;
  std::string name = "weft";  // threads are called NAME-0, NAME-1, ...; 15 characters are shown
};

// Counters since the start, of one reactor.
struct ReactorStats {
  std::uint64_t turns = 0;
  std::uint64_t sleeps = 0;           // turns that ended with a wait in the kernel
  std::uint64_t completions = 0;      // handled
  std::uint64_t longest_turn_ns = 0;  // from the end of a wait to the begin of the next
  std::uint32_t carries = 0;          // now: connections and what else was placed here
};

// What a reactor offers besides its Loop.
class Services : public net::Network, public FileIo, public DeviceIo {};

class Reactors final : public Loops, public net::Networks, public FileIos {
 public:
  // Starts the threads and returns when each has its ring.  Raises the soft limit of open files to the hard
  // one. Errors: ENOSYS (kernel too old, or without io_uring), EPERM (io_uring is disabled or filtered),
  // EINVAL (options), and what the system said; the message tells what to do.
  static Result<std::unique_ptr<Reactors>> start(const ReactorsOptions& options);

  // Stops if that has not happened.  Not on a reactor's thread.
  ~Reactors() override;
  Reactors(const Reactors&) = delete;
  Reactors& operator=(const Reactors&) = delete;

  // Runs what is posted already, then ends the threads.  Streams must be closed and file operations done
  // before it; listeners and connects that are left just end.  What is posted later never runs.  Not on a
  // reactor's thread; further calls have no effect.
  void stop();

  std::span<Loop* const> all() const override { return loops_; }
  Loop& acquire_least_loaded() override;
  void release(Loop& loop) override;
  void use(unsigned count) override;
  unsigned in_use() const override { return in_use_.load(std::memory_order_relaxed); }

  Services& of(Loop& loop) override;  // of one of all().  Any thread.
  Loops& loops() override { return *this; }

  ReactorStats stats(const Loop& loop) const;  // any thread

  // One line each for limits that are lower than they should be.  For the log, once.
  std::span<const std::string> warnings() const { return warnings_; }

 private:
  Reactors() = default;

  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::vector<Loop*> loops_;
  std::vector<std::string> warnings_;
  std::unique_ptr<std::atomic<std::uint32_t>[]> loads_;
  std::atomic<unsigned> in_use_{1};
};

}  // namespace weft::reactor
