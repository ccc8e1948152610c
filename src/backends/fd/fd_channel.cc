#include "backends/fd/fd_channel.h"

#include <algorithm>
#include <cerrno>

#include "block/check_request.h"

namespace weft::backends {

using block::Op;
using block::Request;
using reactor::FileOp;
using reactor::Lane;

namespace {

constexpr std::uint64_t kMostPolledBytes = 64 * 1024;

}  // namespace

FdChannel::LaneRequest::LaneRequest(FdChannel& of, Request& its_parent)
    : Task(&FdChannel::lane_done), channel(of), parent(its_parent) {
  Lane::Job::run = &FdChannel::run_on_lane;
  loop = &of.loop_;
  done = this;
}

void FdChannel::submit(Request& request) {
  const block::Geometry geometry = backend_.geometry();
  if (const int error = check_request(geometry, request); error != 0) return refused_.add(request, error);
  if (request.op != Op::read && backend_.broken()) return refused_.add(request, EIO);
  const bool moves_data = request.op == Op::read || request.op == Op::write;
  const bool polled = backend_.path() == FdBackend::Path::polled;
  if (!moves_data || (!polled && backend_.path() != FdBackend::Path::ring)) return submit_to_lane(request);
  RingRequest& ring = ring_requests_.take(*this, request);
  ring.kind = request.op == Op::read ? FileOp::Kind::read : FileOp::Kind::write;
  ring.dsync = request.op == Op::write && request.fua;
  // What makes a write durable comes after the device's answer, and what is long is not worth to be asked
  // for.
  ring.polled = polled && !ring.dsync && request.blocks * geometry.block_bytes <= kMostPolledBytes;
  ring.fd = backend_.fd();
  ring.slot = entry_.slot();
  ring.FileOp::done = &FdChannel::ring_done;
  ring.next_offset = request.lba * geometry.block_bytes;
  submit_to_ring(ring);
}

void FdChannel::submit_to_ring(RingRequest& request) {
  const auto left = request.parent.data.subspan(request.next_piece);
  request.pieces = left.first(std::min(left.size(), FileOp::kMaxPieces));
  request.offset_bytes = request.next_offset;
  request.next_piece += request.pieces.size();
  for (const iovec& piece : request.pieces) request.next_offset += piece.iov_len;
  files_.submit(request);
}

void FdChannel::ring_done(FileOp& op) noexcept {
  auto& request = static_cast<RingRequest&>(op);
  FdChannel& channel = request.channel;
  Request& parent = request.parent;
  if (request.error == 0 && request.next_piece < parent.data.size()) return channel.submit_to_ring(request);
  const int error = request.dsync ? channel.backend_.note_durable_write(request.error) : request.error;
  channel.ring_requests_.give_back(request);
  parent.error = error;
  parent.done(parent);
}

void FdChannel::submit_to_lane(Request& request) {
  LaneRequest& lane = lane_requests_.take(*this, request);
  if (request.op == Op::flush) lane.flush = backend_.next_flush();
  if (backend_.lane().submit(lane)) return;
  lane_requests_.give_back(lane);
  refused_.add(request, EAGAIN);
}

void FdChannel::run_on_lane(Lane::Job& job) noexcept {
  auto& request = static_cast<LaneRequest&>(job);
  request.error = request.channel.backend_.execute(request.parent, request.flush);
}

void FdChannel::lane_done(Task& task) noexcept {
  auto& request = static_cast<LaneRequest&>(task);
  FdChannel& channel = request.channel;
  Request& parent = request.parent;
  const int error = request.error;
  channel.lane_requests_.give_back(request);
  parent.error = error;
  parent.done(parent);
}

}  // namespace weft::backends
