// A namespace as a host has it: over one path or several to the same subsystem, of which the best by
// asymmetric access carries the commands, and the next one when it is lost (NVMe Base 2.1, section 2.4.1).
// Commands that no path has answered are sent again, in the order in which they were submitted; while there
// is no path they wait.
//
// As every host that sends again at once, it relies on targets that end their commands with their
// connections: a target that is cut off but alive could still execute a write that another path has carried
// since.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "fabric/initiator.h"
#include "host/io_queue.h"
#include "host/namespace_info.h"
#include "host/options.h"
#include "host/path.h"

namespace weft::host {

struct NamespaceOptions {
  // One way to the subsystem.  All have as many queues as the first, on the same loops.
  struct Way {
    fabric::Initiator* initiator = nullptr;
    Options options;
  };
  std::vector<Way> ways;
  Nsid nsid;                        // 0: the only one
  bool queue_on_each_loop = false;  // else on those where the least is going on
  // How long commands wait when there is no path; empty: until all paths have gone.
  std::optional<Duration> no_path_time;
};

class Namespace final : private PathOwner, private PathDoubter {
 public:
  // Returns when each path is live or failed once; an error when none is.  With several, those that failed
  // are tried again.  Blocks; not on a loop.  Loops and initiators outlive it.
  static Result<std::unique_ptr<Namespace>> open(Loops& loops, NamespaceOptions options);
  // The same in steps, for who must not block: once is_decided(), settle() says whether it can be used.
  static std::unique_ptr<Namespace> start(Loops& loops, NamespaceOptions options);
  bool is_decided() const;
  Result<> settle();
  // Shuts the controllers down.  Blocks; not on a loop, and no command is under way.
  ~Namespace();
  // From now on commands fail, those that wait for a path too.  Any thread.
  void stop();

  // Any thread.
  const NamespaceInfo& info() const { return info_; }                               // as it was at first
  std::uint64_t blocks() const { return blocks_.load(std::memory_order_relaxed); }  // as it is now
  const std::string& subnqn() const { return subnqn_; }
  std::uint32_t max_transfer_bytes() const { return max_transfer_bytes_; }  // of one command, on every path
  bool has_write_cache() const { return has_write_cache_; }                 // on any path
  bool discards() const { return discards_; }
  std::vector<PathState> paths() const;
  unsigned losses() const;  // of all paths
  bool is_gone() const;     // all paths, for good

  // For commands that somebody embeds, on the queues' loops; of a queue on each, queue i is on loop i.
  std::size_t io_queues() const { return queues_.size(); }
  IoQueue& io_queue(std::size_t index) { return *queues_.at(index); }

  // Blocks, not on a loop.  The errors name the command and its status.
  Result<wire::Cqe> io(const wire::Sqe& sqe, std::span<std::byte> data = {}, std::size_t queue = 0);
  // Asks for the size; blocks() is not older afterwards.
  Result<> refresh_blocks();

  // Told when the size has changed: on a loop or in refresh_blocks(), one at a time, in order.  Set once;
  // must not block.
  void watch(std::function<void(std::uint64_t blocks)> on_blocks);

 private:
  Namespace(Loops& loops, NamespaceOptions options);
  Result<> on_path_known(Path& path, const NamespaceInfo& info, Access access) override;
  void on_path_down(Path& path) override;
  std::uint64_t number_question() override { return ++questions_; }
  void take_blocks(std::uint64_t question, std::uint64_t blocks);
  void doubt(std::size_t path) override;
  Result<> accept(Path& path, const NamespaceInfo& info);
  void publish(Path& path, Access access);

  void choose_loops(const NamespaceOptions& options);

  Loops& loops_;
  std::vector<Loop*> queue_loops_;
  std::vector<Loop*> acquired_;
  const std::optional<Duration> no_path_time_;
  const std::string subnqn_;
  std::vector<std::unique_ptr<Path>> paths_;

  NamespaceInfo info_;
  std::uint32_t max_transfer_bytes_ = 0;
  bool has_write_cache_ = false;
  bool discards_ = true;
  std::vector<std::unique_ptr<IoQueue>> queues_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  struct Verdict {
    bool is_decided = false;
    std::optional<Access> access;  // empty: down
    Error why;
  };
  std::vector<Verdict> verdicts_;  // of each path
  bool is_open_ = false;           // what is above does not change any more

  // An answer to an older question may come later, by another path or after more steps: it is not taken.
  std::atomic<std::uint64_t> questions_{0};
  std::atomic<std::uint64_t> blocks_{0};
  std::mutex telling_;  // of what follows
  std::uint64_t blocks_question_ = 0;
  std::function<void(std::uint64_t)> on_blocks_;
};

}  // namespace weft::host
