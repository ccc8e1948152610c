// A disk that takes its time: requests overtake each other, blocks of one are read and written at moments of
// their own, some fail halfway, and all hang while it is stuck.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "block/backend.h"
#include "sim/world.h"

namespace weft::sim {

struct DiskOptions {
  std::uint64_t blocks = 1024;
  std::uint32_t block_bytes = 512;
  Duration least = std::chrono::microseconds(10);
  Duration most = std::chrono::milliseconds(3);
  unsigned errors_one_in = 0;  // 0: none
  unsigned loses_one_in = 0;  // of so many writes one is acknowledged and not done: what the checks must find
};

class SimDisk final : public block::Backend {
 public:
  SimDisk(World& world, const DiskOptions& options);
  block::Geometry geometry() const override;
  std::unique_ptr<block::Channel> open_channel(Loop& loop) override;
  std::string info() const override { return "simulated"; }

  void set_stuck(bool stuck);  // when it ends, what was held begins
  std::span<const std::byte> contents() const { return bytes_; }

 private:
  class SimChannel;
  struct Job;
  void begin(std::shared_ptr<Job> job);
  void move_block(const Job& job, std::uint64_t index);

  World& world_;
  const DiskOptions options_;
  std::vector<std::byte> bytes_;
  bool stuck_ = false;
  std::vector<std::shared_ptr<Job>> held_;
};

}  // namespace weft::sim
