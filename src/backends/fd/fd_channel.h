// The requests of one loop to an FdBackend.
#pragma once

#include "backends/fd/fd_backend.h"
#include "base/slab.h"
#include "block/completions.h"

namespace weft::backends {

class FdChannel final : public block::Channel {
 public:
  FdChannel(Loop& loop, FdBackend& backend, reactor::FileIo& files)
      : loop_(loop), backend_(backend), files_(files), entry_(files, backend.fd()), refused_(loop) {}

  void submit(block::Request& request) override;

 private:
  // A read or write through the ring, in as many parts as its pieces need, one after the other.
  struct RingRequest : reactor::FileOp {
    RingRequest(FdChannel& of, block::Request& its_parent) : channel(of), parent(its_parent) {}
    FdChannel& channel;
    block::Request& parent;
    std::size_t next_piece = 0;
    std::uint64_t next_offset = 0;
  };

  struct LaneRequest : reactor::Lane::Job, Task {
    LaneRequest(FdChannel& of, block::Request& its_parent);
    FdChannel& channel;
    block::Request& parent;
    std::uint64_t flush = 0;
    int error = 0;
  };

  void submit_to_ring(RingRequest& request);
  void submit_to_lane(block::Request& request);
  static void ring_done(reactor::FileOp& op) noexcept;
  static void run_on_lane(reactor::Lane::Job& job) noexcept;
  static void lane_done(Task& task) noexcept;

  Loop& loop_;
  FdBackend& backend_;
  reactor::FileIo& files_;
  reactor::FileEntry entry_;  // of the backend's descriptor
  block::Completions refused_;
  Slab<RingRequest> ring_requests_;
  Slab<LaneRequest> lane_requests_;
};

}  // namespace weft::backends
