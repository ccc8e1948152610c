#include "backends/fd/fd_backend.h"

#include <fmt/format.h>
#include <sys/uio.h>

#include <cerrno>

#include "backends/fd/bounded.h"
#include "backends/fd/fd_channel.h"
#include "backends/fd/transfer.h"

namespace weft::backends {

using block::Op;

FdBackend::FdBackend(const block::OpenOptions& options, std::shared_ptr<FdTarget> target,
                     const block::Geometry& geometry, Path path, reactor::FileIos& files)
    : Backend(options.name, options.serial),
      target_(std::move(target)),
      geometry_(geometry),
      path_(path),
      files_(files),
      blocks_(geometry.blocks),
      lane_(options.name.substr(options.name.rfind('/') + 1)) {}

FdBackend::~FdBackend() {
  run_bounded([target = std::move(target_)]() mutable { target.reset(); }, kPatience);
}

block::Geometry FdBackend::geometry() const {
  block::Geometry geometry = geometry_;
  geometry.blocks = blocks_.load(std::memory_order_acquire);
  return geometry;
}

std::unique_ptr<block::Channel> FdBackend::open_channel(Loop& loop) {
  return std::make_unique<FdChannel>(loop, *this, files_.of(loop));
}

Result<> FdBackend::refresh() {
  const std::scoped_lock one_at_a_time(refresh_mutex_);
  if (looking_->exchange(true))
    return fail(EBUSY, fmt::format("{}: {} still does not tell its size; look again when it answers", name(),
                                   target_->path()));
  auto size = std::make_shared<Result<std::uint64_t>>(0);
  const bool answered = run_bounded(
      [target = target_, size, looking = looking_] {
        *size = target->size_bytes();
        looking->store(false);
      },
      kPatience);
  if (!answered)
    return fail(ETIMEDOUT, fmt::format("{}: {} does not tell its size within {} s; its size stays as it was",
                                       name(), target_->path(), kPatience.count() / 1000));
  if (!*size) return fail((*size).error().code, fmt::format("{}: {}", name(), (*size).error().message));
  const std::uint64_t blocks = **size / geometry_.block_bytes;
  if (blocks_.exchange(blocks, std::memory_order_acq_rel) != blocks) notify_geometry_changed();
  return {};
}

std::string FdBackend::info() const {
  const char* path = path_ == Path::ring     ? "direct"
                     : path_ == Path::polled ? "direct, polled"
                     : path_ == Path::direct ? "direct, on its own thread"
                                             : "buffered";
  return fmt::format("{}, {}, blocks of {}, {}{}{}", target_->path(), size_text(geometry().bytes()),
                     geometry_.block_bytes, path, geometry_.read_only ? ", read-only" : "",
                     broken() ? ", FAILED: a flush was lost, disable and enable it to go on" : "");
}

int FdBackend::execute(const block::Request& request, std::uint64_t flush) {
  const std::uint64_t offset = request.lba * geometry_.block_bytes;
  const std::uint64_t length = request.blocks * geometry_.block_bytes;
  if (request.op != Op::read && broken()) return EIO;
  switch (request.op) {
    case Op::read:
      return read_all(fd(), offset, request.data);
    case Op::write: {
      // The page cache first, where it takes the data at all: a want of room that is found there has lost
      // nothing, one that is found behind it may have.
      if (!request.fua || path_ == Path::cached) {
        const int error = write_all(fd(), offset, request.data, false);
        if (error != 0 || !request.fua) return error == 0 ? note_written(length) : error;
      }
      return note_durable_write(write_all(fd(), offset, request.data, true));
    }
    case Op::flush:
      return sync(flush);
    case Op::discard:
      return target_->discard(offset, length);
    case Op::write_zeroes: {
      const int error = target_->zero(offset, length, request.may_unmap);
      if (error != 0) return error;
      return request.fua ? sync(next_flush()) : note_written(length);
    }
  }
  return EINVAL;
}

int FdBackend::note_durable_write(int error) {
  if (error == 0) return 0;
  const bool refused = path_ != Path::cached && (error == ENOSPC || error == EDQUOT);
  if (!refused) broken_.store(true, std::memory_order_release);
  return error;
}

int FdBackend::sync(std::uint64_t flush) {
  if (flush <= flushes_done_) return 0;  // one that began after this was submitted has ended
  const std::uint64_t covered = flushes_submitted_.load();
  if (target_->sync() != 0) return lost();
  flushes_done_ = covered;
  written_ = 0;
  return 0;
}

// Half of what may wait is being written while the other half comes.
int FdBackend::note_written(std::uint64_t bytes) {
  if (path_ != Path::cached) return 0;
  written_ += bytes;
  if (written_ < kMostUnwritten / 2) return 0;
  written_ = 0;
  // An error is told once, like that of fdatasync: the next flush would succeed.
  return target_->write_back() == 0 ? 0 : lost();
}

namespace {

// Does the descriptor, open for direct I/O, read and write without blocking?
bool is_nonblocking(int fd) {
  constexpr std::size_t kProbeBytes = 4096;
  alignas(4096) std::byte probe[kProbeBytes];
  const iovec piece{probe, kProbeBytes};
  const ssize_t moved = ::preadv2(fd, &piece, 1, 0, RWF_NOWAIT);
  return moved >= 0 || (errno != EOPNOTSUPP && errno != EINVAL);
}

}  // namespace

Result<FdBackend::Path> choose_direct_path(const block::OpenOptions& options, const FdTarget& target,
                                           bool polled) {
  const bool nonblocking = is_nonblocking(target.fd());
  if (!polled) return nonblocking ? FdBackend::Path::ring : FdBackend::Path::direct;
  if (nonblocking && reactor::is_polled(target.fd())) return FdBackend::Path::polled;
  return fail(EINVAL, fmt::format("{}: iopoll=1: {} cannot be polled: its device has no poll queues "
                                  "(queue/io_poll in /sys/block is 0), or its file system does not let it; "
                                  "leave iopoll out",
                                  options.name, target.path()));
}

}  // namespace weft::backends
