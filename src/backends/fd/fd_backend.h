// A backend over a file descriptor: what files and block devices share.
//
// Where its calls run: reads and writes go through the loop's ring when the file does direct I/O without
// blocking; all others, and every flush, discard and zeroing, run on the backend's own lane.  Closing and
// looking at the size run on threads of their own that are left behind when they hang.
//
// Flushes that wait together share one fdatasync: one that began after all of them were submitted.
//
// A failed fdatasync is sticky, and so is a failed durable write: the kernel reports lost data once and
// forgets it, so every later flush and change of this backend fails with EIO until it is opened again.  The
// exception is a write that the file system, or its page cache, had no room for (ENOSPC, EDQUOT) before
// anything was to be made durable: nothing that was acknowledged got lost.
//
// Through the page cache no more than kMostUnwritten waits to be written: who writes more waits for the disk,
// so that a flush is short and the memory remains to others.
#pragma once

#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <string>

#include "backends/fd/fd_target.h"
#include "block/backend.h"
#include "block/plugin.h"
#include "reactor/file_io.h"
#include "reactor/lane.h"

namespace weft::backends {

class FdBackend final : public block::Backend {
 public:
  enum class Path : std::uint8_t {
    ring,    // direct I/O that does not block
    polled,  // the same, whose device is asked for its end
    direct,  // direct I/O on the lane
    cached,  // through the page cache, on the lane
  };

  FdBackend(const block::OpenOptions& options, std::shared_ptr<FdTarget> target,
            const block::Geometry& geometry, Path path, reactor::FileIos& files);
  ~FdBackend() override;  // waits for the close, for at most kPatience

  block::Geometry geometry() const override;
  std::unique_ptr<block::Channel> open_channel(Loop& loop) override;
  // ETIMEDOUT: the file did not answer within kPatience; EBUSY: it still does not.  Waits for one that runs
  // already, which may have looked too early.
  Result<> refresh() override;
  std::string info() const override;

  // For its channels.
  Path path() const { return path_; }
  int fd() const { return target_->fd(); }
  reactor::Lane& lane() { return lane_; }
  bool broken() const { return broken_.load(std::memory_order_acquire); }
  std::uint64_t next_flush() { return flushes_submitted_.fetch_add(1) + 1; }
  // The lane's.  `flush` numbers a flush that was submitted; else 0.
  int execute(const block::Request& request, std::uint64_t flush);
  // The outcome of a durable write.
  int note_durable_write(int error);

  static constexpr std::chrono::milliseconds kPatience{2000};
  static constexpr std::uint64_t kMostUnwritten = std::uint64_t{64} * 1024 * 1024;

 private:
  int sync(std::uint64_t flush);
  int note_written(std::uint64_t bytes);
  int lost() {
    broken_.store(true, std::memory_order_release);
    return EIO;
  }

  std::shared_ptr<FdTarget> target_;
  const block::Geometry geometry_;  // but for the blocks
  const Path path_;
  reactor::FileIos& files_;
  std::atomic<std::uint64_t> blocks_;
  std::atomic<bool> broken_{false};
  std::atomic<std::uint64_t> flushes_submitted_{0};
  std::uint64_t flushes_done_ = 0;  // the lane's: up to this number
  std::uint64_t written_ = 0;       // the lane's: bytes since it last had the page cache write
  std::mutex refresh_mutex_;
  const std::shared_ptr<std::atomic<bool>> looking_ = std::make_shared<std::atomic<bool>>(false);
  reactor::Lane lane_;
};

// A key of each plugin that has such backends.
inline constexpr block::ControlKey kIopollKey{
    "iopoll", "1: ask the device for the end of reads and writes, with the CPU in use meanwhile; default 0"};

// How a target that is open for direct I/O is used.  Looks at the data; may block.  EINVAL: it is to be
// polled and cannot be.
Result<FdBackend::Path> choose_direct_path(const block::OpenOptions& options, const FdTarget& target,
                                           bool polled);

}  // namespace weft::backends
