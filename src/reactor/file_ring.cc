#include "reactor/file_ring.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "reactor/file_table.h"

namespace weft::reactor {

namespace {

constexpr Duration kRetryDelay = std::chrono::milliseconds(1);

bool moves_data(const FileOp& op) {
  return op.kind == FileOp::Kind::read || op.kind == FileOp::Kind::write;
}

// Takes `bytes` off the front of what is left.  False when nothing is left then.
bool advance(FileOp& op, std::uint64_t bytes) {
  std::uint32_t piece = 0;
  while (piece < op.rest_count && bytes >= op.rest[piece].iov_len) bytes -= op.rest[piece++].iov_len;
  std::move(op.rest + piece, op.rest + op.rest_count, op.rest);
  op.rest_count -= piece;
  if (op.rest_count == 0) return false;
  op.rest[0].iov_base = static_cast<std::byte*>(op.rest[0].iov_base) + bytes;
  op.rest[0].iov_len -= bytes;
  return true;
}

}  // namespace

FileRing::~FileRing() {
  WEFT_CHECK(in_flight_ == 0 && waiting_.empty(), "file operations are done before their reactor ends");
}

void FileRing::submit(FileOp& op) {
  WEFT_CHECK(op.pieces.size() <= FileOp::kMaxPieces);
  if (in_flight_ >= kMostInFlight) return waiting_.push_back(op);
  start(op);
}

void FileRing::start(FileOp& op) {
  ++in_flight_;
  op.error = 0;
  op.rest_count = 0;
  if (moves_data(op)) {
    std::copy(op.pieces.begin(), op.pieces.end(), op.rest);
    op.rest_count = static_cast<std::uint32_t>(op.pieces.size());
    advance(op, 0);  // leaves out empty pieces in front
  }
  issue(slots_.take(*this, op));
}

void FileRing::issue(Slot& slot) {
  io_uring_sqe& sqe = ring_.next(&slot);
  prepare(sqe, slot);
  if (ring_.kind() == Ring::Kind::interrupts) use_slot(sqe, slot.op.slot);  // the table is that ring's
}

void FileRing::prepare(io_uring_sqe& sqe, const Slot& slot) {
  const FileOp& op = slot.op;
  const iovec& first = op.rest[0];
  const auto bytes = static_cast<unsigned>(first.iov_len);
  const std::uint64_t offset = op.offset_bytes + slot.done_bytes;
  const int fixed =
      moves_data(op) && op.rest_count == 1 ? buffers_.find(loop_.buffers(), first) : FixedBuffers::kNone;
  switch (op.kind) {
    case FileOp::Kind::read:
      if (fixed != FixedBuffers::kNone)
        io_uring_prep_read_fixed(&sqe, op.fd, first.iov_base, bytes, offset, fixed);
      else
        io_uring_prep_readv(&sqe, op.fd, op.rest, op.rest_count, offset);
      break;
    case FileOp::Kind::write:
      if (fixed != FixedBuffers::kNone)
        io_uring_prep_write_fixed(&sqe, op.fd, first.iov_base, bytes, offset, fixed);
      else
        io_uring_prep_writev(&sqe, op.fd, op.rest, op.rest_count, offset);
      if (op.dsync) sqe.rw_flags = RWF_DSYNC;
      break;
    case FileOp::Kind::fdatasync:
      io_uring_prep_fsync(&sqe, op.fd, IORING_FSYNC_DATASYNC);
      break;
    case FileOp::Kind::fallocate:
      io_uring_prep_fallocate(&sqe, op.fd, op.mode, static_cast<off_t>(op.offset_bytes),
                              static_cast<off_t>(op.length_bytes));
      break;
  }
}

void FileRing::on_completed(Slot& slot, int result) {
  FileOp& op = slot.op;
  if (result == -EINTR) return issue(slot);
  // Kernels refuse to poll what they would have to split, and devices that are no longer polled.
  if (otherwise_ != nullptr && (result == -EAGAIN || result == -EOPNOTSUPP))
    return otherwise_->submit(leave(slot));
  if (result == -EAGAIN) {  // the kernel is short of something: not at once again
    retrying_.push_back(slot);
    if (!retry_.is_armed()) loop_.arm(retry_, kRetryDelay);
    return;
  }
  if (result < 0) return finish(slot, -result);
  if (!moves_data(op) || op.rest_count == 0) return finish(slot, 0);
  if (result == 0) return finish(slot, op.kind == FileOp::Kind::read ? EIO : ENOSPC);
  slot.done_bytes += static_cast<std::uint64_t>(result);
  if (advance(op, static_cast<std::uint64_t>(result))) return issue(slot);
  finish(slot, 0);
}

FileOp& FileRing::leave(Slot& slot) {
  FileOp& op = slot.op;
  slots_.give_back(slot);
  --in_flight_;
  if (!waiting_.empty()) {
    FileOp& next = waiting_.front();
    waiting_.pop_front();
    start(next);
  }
  return op;
}

void FileRing::finish(Slot& slot, int error) {
  FileOp& op = leave(slot);
  op.error = error;
  op.done(op);
}

void FileRing::retry() {
  List<Slot> slots;
  slots.swap(retrying_);
  while (!slots.empty()) {
    Slot& slot = slots.front();
    slots.pop_front();
    issue(slot);
  }
}

}  // namespace weft::reactor
