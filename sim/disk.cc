#include "sim/disk.h"

#include "block/check_request.h"

namespace weft::sim {

class SimDisk::SimChannel final : public block::Channel {
 public:
  SimChannel(Loop& loop, SimDisk& disk) : disk_(disk), answers_(loop) {}
  void submit(block::Request& request) override {
    if (const int error = block::check_request(disk_.geometry(), request); error != 0)
      return answers_.add(request, error);
    disk_.medium_.begin(std::make_shared<Medium::Job>(&disk_, request, answers_));
  }

 private:
  SimDisk& disk_;
  block::Completions answers_;
};

SimDisk::SimDisk(Medium& medium, std::uint64_t blocks)
    : Backend("sim_1/disk", Uuid{}), medium_(medium), blocks_(blocks) {}

block::Geometry SimDisk::geometry() const {
  block::Geometry geometry;
  geometry.block_bytes = medium_.options().block_bytes;
  geometry.blocks = blocks_;
  geometry.discard_granularity_blocks = 1;
  geometry.volatile_cache = medium_.options().volatile_cache;
  return geometry;
}

std::unique_ptr<block::Channel> SimDisk::open_channel(Loop& loop) {
  return std::make_unique<SimChannel>(loop, *this);
}

void SimDisk::resize(std::uint64_t blocks) {
  blocks_ = blocks;
  notify_geometry_changed();
}

}  // namespace weft::sim
