// What a disk holds.  It outlives the process that uses it, and loses power: then of each block the last
// state that was made durable, or any later one, is left.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "block/completions.h"
#include "block/request.h"
#include "sim/world.h"

namespace weft::sim {

struct DiskOptions {
  std::uint64_t blocks = 1024;
  std::uint32_t block_bytes = 512;
  Duration least = std::chrono::microseconds(10);
  Duration most = std::chrono::milliseconds(3);
  bool volatile_cache = false;
  unsigned errors_one_in = 0;  // 0: none
  unsigned loses_one_in = 0;  // of so many writes one is acknowledged and not done: what the checks must find
};

class Medium {
 public:
  // One request of a process.  Its blocks move at moments of their own.
  struct Job {
    Job(const void* of, block::Request& what, block::Completions& to)
        : owner(of), request(what), answers(to) {}
    const void* owner;
    block::Request& request;
    block::Completions& answers;
    std::vector<bool> moved;                        // by block
    std::map<std::uint64_t, std::uint64_t> covers;  // by block the last version that a flush or FUA is for
    bool is_over = false;
  };

  Medium(World& world, const DiskOptions& options);
  const DiskOptions& options() const { return options_; }

  void begin(std::shared_ptr<Job> job);
  void set_stuck(bool stuck);  // when it ends, what was held begins
  // The process is no more: of what it had under way each block was moved, or never is.
  void drop(const void* owner);
  void lose_power();
  std::size_t under_way(const void* owner) const;
  std::span<const std::byte> contents() const { return bytes_; }

 private:
  struct Version {
    std::uint64_t serial;
    std::vector<std::byte> bytes;
  };
  void move_block(Job& job, std::uint64_t index);
  void store(Job& job, std::uint64_t block, std::span<const std::byte> bytes);
  void end(Job& job, int error);
  void make_durable(std::uint64_t block, std::uint64_t serial);
  std::span<std::byte> block(std::vector<std::byte>& of, std::uint64_t index);

  World& world_;
  const DiskOptions options_;
  std::vector<std::byte> bytes_;
  std::vector<std::byte> durable_;
  std::map<std::uint64_t, std::deque<Version>> cached_;  // by block, oldest first; not yet durable
  std::uint64_t next_serial_ = 1;
  bool stuck_ = false;
  std::vector<std::shared_ptr<Job>> held_;
  std::list<std::weak_ptr<Job>> jobs_;
};

}  // namespace weft::sim
