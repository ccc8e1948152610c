// What a backend is: a shared object with an identity and a geometry, and one Channel for each Loop that uses
// it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/text.h"
#include "block/fence.h"
#include "block/op_counters.h"
#include "block/request.h"

namespace weft::block {

struct Geometry {
  std::uint32_t block_bytes = 512;  // logical block: 512 or 4096
  std::uint64_t blocks = 0;
  std::uint32_t discard_granularity_blocks = 0;  // 0: discard is not supported
  std::uint32_t optimal_io_blocks = 0;           // 0: unknown
  bool volatile_cache = false;                   // acknowledged writes need a flush (or FUA) to be durable
  bool read_only = false;
  bool rotational = false;
  bool operator==(const Geometry&) const = default;
  std::uint64_t bytes() const { return blocks * block_bytes; }
};

// Belongs to one loop: created, used and destroyed there.  Destroyed only with nothing in flight.
class Channel {
 public:
  virtual ~Channel() = default;
  // The range is within the geometry at the time of submit, or the request fails (see Request::error).
  // Never calls done before it returns.
  virtual void submit(Request& request) = 0;
  virtual bool lends() const { return false; }  // whether reads may ask for a Loan
};

// Told about changes of a backend.  Calls come from any thread, one at a time for each backend.
class BackendObserver : public ListHook<> {
 public:
  virtual void geometry_changed() = 0;

 protected:
  ~BackendObserver() = default;
};

// Shared by the namespaces that link to it; held by shared_ptr in the configuration, never on the data path.
// Destroyed when no channel is left; the destructor may block (close) and runs off the loops.
class Backend {
 public:
  Backend(std::string name, const Uuid& serial) : name_(std::move(name)), serial_(serial) {}
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  const std::string& name() const { return name_; }  // <plugin>_<N>/<device>, for messages.  Any thread.
  const Uuid& serial() const { return serial_; }  // the unit serial: the same after a restart.  Any thread.
  virtual Geometry geometry() const = 0;          // any thread
  virtual std::unique_ptr<Channel> open_channel(Loop& loop) = 0;  // on that loop; never blocks

  // Looks at the size again (a file that grew, a device that was resized) and tells the observers.  May
  // block: called off the loops.  Backends of fixed size do nothing.
  virtual Result<> refresh() { return {}; }

  // One line for `info`: state and details.  Any thread.
  virtual std::string info() const = 0;

  Fence& fence() { return fence_; }

  // Where a loop counts what it had done, for as long as the backend lives.  Any thread; not on the path of
  // I/O: the first call for a loop allocates.
  LoopCounters& counters(const Loop& loop);
  IoTotals totals() const;  // of all loops.  Any thread.

  void add_observer(BackendObserver& observer);
  void remove_observer(BackendObserver& observer);  // no call is running or comes after it returned

 protected:
  void notify_geometry_changed();  // with no lock of the backend held that an observer could want

 private:
  const std::string name_;
  const Uuid serial_;
  Fence fence_;
  mutable std::mutex counters_mutex_;
  std::vector<std::unique_ptr<LoopCounters>> counters_;  // by the loop's index; null: it was never here
  std::mutex observers_mutex_;
  List<BackendObserver> observers_;
};

}  // namespace weft::block
