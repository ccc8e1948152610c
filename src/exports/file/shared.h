// What the operations of the mount and the requests at the backend share.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/page_memory.h"
#include "block/backend.h"
#include "fuse/mount.h"

namespace weft::file_export {

inline constexpr std::uint32_t kMostBytes = 1024 * 1024;  // of one request of the kernel

struct Work;

// The requests at the backend.  All of it belongs to its loop.
class Engine {
 public:
  Engine(Loop& loop, block::Backend& backend) : channel_(backend.open_channel(loop)) {}

  block::Channel& channel() { return *channel_; }
  void begin(Work& work);
  void ended(const Work& work);

 private:
  void start(Work& work);
  bool may_start(const Work& work) const;

  const std::unique_ptr<block::Channel> channel_;
  // A change of part of a block reads and writes it: no other change may come between.
  std::uint32_t changing_ = 0;
  bool alone_ = false;
  std::deque<Work*> waiting_;
};

struct Shared {
  Shared(Loops& its_loops, std::shared_ptr<block::Backend> its_backend)
      : loops(its_loops), loop(its_loops.acquire_least_loaded()), backend(std::move(its_backend)) {}

  Loops& loops;
  Loop& loop;
  const std::shared_ptr<block::Backend> backend;
  std::unique_ptr<Engine> engine;
  std::atomic<std::uint32_t> open_files{0};
  std::atomic<std::uint32_t> under_way{0};
  std::unique_ptr<fuse::Mount> mount;
};

// One request of the kernel.  It destroys itself when it has answered.
struct Work : block::Request {
  Work(Shared& of, fuse_req_t asked, block::Op what)
      : shared(of), request(asked), asked_for(what), wanted(what) {}

  // Gives it the blocks that the bytes [from, from + count) are in.
  void set_range(std::uint64_t from, std::uint64_t count);
  bool take_memory();  // for a read or write of them
  // For zeroes in any range: whole blocks by themselves, and a part of one at each end.
  bool set_zeroes(std::uint64_t from, std::uint64_t end);
  // The session's thread.
  static void start(std::unique_ptr<Work> work);

  // On the loop.
  void go();
  void submit(block::Op what);
  void stage_ended();

  bool is_change() const { return block::modifies(wanted); }
  bool is_partial() const { return wanted == block::Op::write && bytes != all_bytes; }

  Shared& shared;
  const fuse_req_t request;
  const block::Op asked_for;
  block::Op wanted;             // of this part
  std::uint64_t bytes = 0;      // of the request
  std::uint64_t head = 0;       // bytes of the first block in front of it
  std::uint64_t all_bytes = 0;  // of its blocks
  PageMemory memory;            // for these
  PageMemory payload;           // of a partial write
  std::uint64_t zeroes_at = 0;  // that are left to do
  std::uint64_t zeroes_end = 0;
  iovec piece{};
  MemberTask<Work, &Work::go> there{*this};
};

}  // namespace weft::file_export
