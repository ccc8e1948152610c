#include "sim/disk.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "block/check_request.h"
#include "block/completions.h"

namespace weft::sim {

struct SimDisk::Job {
  block::Request& request;
  block::Completions& answers;
};

class SimDisk::SimChannel final : public block::Channel {
 public:
  SimChannel(Loop& loop, SimDisk& disk) : disk_(disk), answers_(loop) {}
  void submit(block::Request& request) override {
    if (const int error = block::check_request(disk_.geometry(), request); error != 0)
      return answers_.add(request, error);
    disk_.begin(std::make_shared<Job>(request, answers_));
  }

 private:
  SimDisk& disk_;
  block::Completions answers_;
};

SimDisk::SimDisk(World& world, const DiskOptions& options)
    : Backend("sim_1/disk", Uuid{}),
      world_(world),
      options_(options),
      bytes_(options.blocks * options.block_bytes) {}

block::Geometry SimDisk::geometry() const {
  block::Geometry geometry;
  geometry.block_bytes = options_.block_bytes;
  geometry.blocks = options_.blocks;
  geometry.discard_granularity_blocks = 1;
  return geometry;
}

std::unique_ptr<block::Channel> SimDisk::open_channel(Loop& loop) {
  return std::make_unique<SimChannel>(loop, *this);
}

void SimDisk::set_stuck(bool stuck) {
  stuck_ = stuck;
  if (stuck) return;
  for (auto& job : std::exchange(held_, {})) begin(std::move(job));
}

void SimDisk::begin(std::shared_ptr<Job> job) {
  if (stuck_) return held_.push_back(std::move(job));
  const Duration takes = world_.some_time(options_.least, options_.most);
  const bool fails = options_.errors_one_in != 0 && world_.dice().one_in(options_.errors_one_in);
  const bool has_range = job->request.op != block::Op::flush;
  const std::uint64_t blocks = has_range ? job->request.blocks : 0;
  const bool loses = job->request.op == block::Op::write && options_.loses_one_in != 0 &&
                     world_.dice().one_in(options_.loses_one_in);
  const std::uint64_t moved = loses ? 0 : fails && blocks > 0 ? world_.dice().below(blocks) : blocks;
  for (std::uint64_t i = 0; i < moved; ++i)
    world_.after(world_.some_time({}, takes), [this, job, i] { move_block(*job, i); });
  world_.after(takes, [job, fails] { job->answers.add(job->request, fails ? EIO : 0); });
}

void SimDisk::move_block(const Job& job, std::uint64_t index) {
  const block::Request& request = job.request;
  std::byte* const here = bytes_.data() + (request.lba + index) * options_.block_bytes;
  if (request.op == block::Op::write_zeroes || request.op == block::Op::discard) {
    std::memset(here, 0, options_.block_bytes);
    return;
  }
  std::uint64_t skip = index * options_.block_bytes;
  for (const iovec& piece : request.data) {
    if (skip >= piece.iov_len) {
      skip -= piece.iov_len;
      continue;
    }
    auto* const there = static_cast<std::byte*>(piece.iov_base) + skip;
    const bool reads = request.op == block::Op::read;
    std::memcpy(reads ? there : here, reads ? here : there, options_.block_bytes);
    return;
  }
}

}  // namespace weft::sim
