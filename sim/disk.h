// A disk of a simulated process: requests overtake each other, blocks of one are read and written at moments
// of their own, some fail halfway, and all hang while it is stuck.
#pragma once

#include <memory>

#include "block/backend.h"
#include "sim/medium.h"

namespace weft::sim {

class SimDisk final : public block::Backend {
 public:
  // `blocks` of the medium to begin with.
  SimDisk(Medium& medium, std::uint64_t blocks);
  block::Geometry geometry() const override;
  std::unique_ptr<block::Channel> open_channel(Loop& loop) override;
  std::string info() const override { return "simulated"; }
  void resize(std::uint64_t blocks);

 private:
  class SimChannel;
  Medium& medium_;
  std::uint64_t blocks_;
};

}  // namespace weft::sim
