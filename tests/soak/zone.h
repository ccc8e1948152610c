// A part of a namespace that one connection writes and reads at random, and what each of its blocks may hold.
// Commands that are lost with their connection the library sends again by itself: they are under way until
// they end.
//
// Any thread.  No two writes of one place are under way at once, for of two that are both sent again the
// earlier might come last; reads go beside writes.
#pragma once

#include <sys/uio.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/dice.h"
#include "base/page_memory.h"
#include "sim/history.h"
#include "weft/host.h"

namespace weft::soak {

Time now();

struct ZoneOptions {
  std::uint64_t first_byte = 0;
  std::uint64_t bytes = 0;
  unsigned depth = 8;
  std::uint64_t seed = 1;
};

struct ZoneCounts {
  std::uint64_t done = 0;                       // reads that fit and writes that were acknowledged
  std::uint64_t wrong = 0;                      // reads that did not fit
  std::map<std::string, std::uint64_t> failed;  // by the command and its status: "write 0:81"
  Duration gap{};                               // the longest without an end, since the last look
};

class Zone {
 public:
  // `tell_wrong` is called with what is wrong, under a lock: it must only write it down.
  Zone(client::Namespace& disk, const ZoneOptions& options,
       std::function<void(const std::string&)> tell_wrong);
  ~Zone();  // held
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

  void run();
  void hold();                            // these block until nothing is under way
  void sweep();                           // reads everything
  void rewrite(std::uint64_t from_byte);  // everything from there: whatever it holds now is replaced
  void allow(unsigned commands);          // as many more may begin
  void trust_below(std::uint64_t byte);   // what is read from there on is not looked at
  void power_lost();                      // by a target that has died since
  ZoneCounts look();

 private:
  enum class Mode : std::uint8_t { held, running, sweeping, rewriting };
  struct Slot;

  void work(Mode mode);
  void fill();
  bool choose(Slot& slot);
  bool choose_write(Slot& slot);
  bool next_in_order(Slot& slot);
  void submit(Slot& slot);
  void ended(Slot& slot);
  void read_ended(Slot& slot, Time at);
  void mark_written(const Slot& slot, bool under_way);
  Time oldest_read() const;

  client::Namespace& disk_;
  const ZoneOptions options_;
  const std::uint64_t granule_blocks_;  // of History: every command covers whole ones
  const std::uint64_t granules_;
  const std::function<void(const std::string&)> tell_wrong_;

  std::mutex mutex_;
  std::condition_variable idle_;
  sim::History history_;
  Dice dice_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<bool> written_now_;  // granules
  unsigned under_way_ = 0;
  unsigned allowed_ = 0;
  Mode mode_ = Mode::held;
  std::uint64_t cursor_ = 0;  // granule, in order
  std::uint64_t trusted_end_ = ~std::uint64_t{0};
  Time power_lost_at_ = Time::min();
  Time last_end_{};
  ZoneCounts counts_;
};

}  // namespace weft::soak
