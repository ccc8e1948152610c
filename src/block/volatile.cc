#include "block/volatile.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "block/check_request.h"
#include "block/completions.h"

namespace weft::block {

namespace {

constexpr std::size_t kPageBytes = 4096;

std::byte* page_aligned(std::size_t bytes) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kPageBytes, bytes));
  WEFT_CHECK(memory != nullptr, "no memory for a test's disk");
  return memory;
}

// Calls visit(index, bytes) for each block of the data; none spans two pieces.
template <class Visit>
void for_each_block(const Request& request, std::uint32_t block_bytes, Visit visit) {
  std::uint64_t index = 0;
  for (const iovec& piece : request.data)
    for (std::size_t at = 0; at < piece.iov_len; at += block_bytes)
      visit(index++, static_cast<std::byte*>(piece.iov_base) + at);
}

}  // namespace

struct VolatileRequest : ChildRequest {
  enum class Stage : std::uint8_t { reading, writing, flushing, unmapping };

  struct Go : Task {
    explicit Go(VolatileRequest& of) : Task(&Go::invoke), request(of) {}
    static void invoke(Task& task) noexcept;
    VolatileRequest& request;
  };

  Go go{*this};
  Loop* loop = nullptr;
  Stage stage = Stage::reading;
  // A read's: what lies above the backend.  A job's: what it passes down, from `next` on.
  std::vector<std::pair<std::uint64_t, VolatileBlock>> copy;
  std::size_t next = 0;
  std::uint64_t version = 0;
  iovec chunk{};
};

class VolatileChannel final : public FilterChannel<VolatileRequest> {
 public:
  using Stage = VolatileRequest::Stage;

  VolatileChannel(Loop& loop_of_channel, VolatileBackend& backend, Backend& lower_backend)
      : FilterChannel(loop_of_channel, lower_backend), backend_(backend), answers_(loop_of_channel) {}

  void submit(Request& request) override {
    if (const int error = check_request(backend_.geometry(), request); error != 0)
      return answers_.add(request, error);
    const bool cached_zeroes =
        request.op == Op::write_zeroes && request.blocks <= VolatileBackend::kMaxCachedZeroes;
    if (request.op == Op::read) {
      VolatileRequest& child = adopt(request);
      child.copy = backend_.copy(child.lba, child.end());
      return pass_down(child);
    }
    if (request.op == Op::write || cached_zeroes) {
      backend_.store(request);
      if (!request.fua) return answers_.add(request, 0);
      return start_job(request, Stage::writing);
    }
    start_job(request, request.op == Op::flush ? Stage::writing : Stage::unmapping);
  }

  void run_job(VolatileRequest& job) {
    if (job.stage == Stage::unmapping) {
      job.version = backend_.version();
      job.fua = job.op == Op::write_zeroes;
      return pass_down(job);
    }
    const bool flush = job.parent->op == Op::flush;
    job.copy = flush ? backend_.copy(0, std::numeric_limits<std::uint64_t>::max())
                     : backend_.copy(job.parent->lba, job.parent->end());
    write_next(job);
  }

 private:
  void start_job(Request& request, Stage stage) {
    VolatileRequest& job = adopt(request);
    job.loop = &loop();
    job.stage = stage;
    backend_.enqueue(job);
  }

  void write_next(VolatileRequest& job) {
    if (job.next == job.copy.size()) return written(job);
    job.op = Op::write;
    job.fua = job.parent->op != Op::flush;
    job.lba = job.copy[job.next].first;
    job.blocks = 0;
    std::size_t bytes = 0;
    while (job.next < job.copy.size() && job.copy[job.next].first == job.end() &&
           bytes < VolatileBackend::kChunkBytes) {
      const VolatileBlock& block = job.copy[job.next++].second;
      std::byte* to = backend_.chunk_.get() + bytes;
      if (block.bytes)
        std::memcpy(to, block.bytes.get(), backend_.block_bytes_);
      else
        std::memset(to, 0, backend_.block_bytes_);
      bytes += backend_.block_bytes_;
      ++job.blocks;
    }
    job.chunk = {backend_.chunk_.get(), bytes};
    job.data = {&job.chunk, 1};
    pass_down(job);
  }

  void written(VolatileRequest& job) {
    if (job.parent->op != Op::flush) return end_job(job, 0);
    job.stage = Stage::flushing;
    job.op = Op::flush;
    job.fua = false;
    job.lba = job.blocks = 0;
    job.data = {};
    pass_down(job);
  }

  void on_done(VolatileRequest& child) override {
    if (child.stage == Stage::reading) return end_read(child);
    if (child.error != 0) return end_job(child, child.error);
    if (child.stage == Stage::writing) return write_next(child);
    end_job(child, 0);
  }

  void end_read(VolatileRequest& child) {
    if (child.error == 0 && !child.copy.empty()) {
      auto above = child.copy.begin();
      for_each_block(child, backend_.block_bytes_, [&](std::uint64_t index, std::byte* to) {
        if (above == child.copy.end() || above->first != child.lba + index) return;
        if (above->second.bytes)
          std::memcpy(to, above->second.bytes.get(), backend_.block_bytes_);
        else
          std::memset(to, 0, backend_.block_bytes_);
        ++above;
      });
    }
    finish(child, child.error);
  }

  void end_job(VolatileRequest& job, int error) {
    if (error == 0 && job.stage == Stage::unmapping)
      backend_.forget_until(job.parent->lba, job.parent->end(), job.version);
    else if (error == 0)
      backend_.forget(job.copy);
    backend_.dequeue(job);
    finish(job, error);
  }

  VolatileBackend& backend_;
  Completions answers_;
};

void VolatileRequest::Go::invoke(Task& task) noexcept {
  VolatileRequest& request = static_cast<Go&>(task).request;
  auto* base = static_cast<FilterChannel<VolatileRequest>*>(request.channel);
  static_cast<VolatileChannel*>(base)->run_job(request);
}

VolatileBackend::VolatileBackend(std::shared_ptr<Backend> lower_backend)
    : FilterBackend(std::move(lower_backend)),
      block_bytes_(lower().geometry().block_bytes),
      chunk_(page_aligned(kChunkBytes), &std::free) {}

VolatileBackend::~VolatileBackend() {
  WEFT_CHECK(jobs_.empty(), "requests end before their backend");
}

Geometry VolatileBackend::geometry() const {
  Geometry geometry = lower().geometry();
  geometry.volatile_cache = true;
  return geometry;
}

std::unique_ptr<Channel> VolatileBackend::open_channel(Loop& loop) {
  return std::make_unique<VolatileChannel>(loop, *this, lower());
}

std::string VolatileBackend::info() const {
  return fmt::format("volatile ({} blocks unflushed) above {}", unflushed_blocks(), lower().info());
}

void VolatileBackend::lose() {
  const std::scoped_lock lock(mutex_);
  blocks_.clear();
}

std::size_t VolatileBackend::unflushed_blocks() const {
  const std::scoped_lock lock(mutex_);
  return blocks_.size();
}

void VolatileBackend::store(const Request& request) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  if (request.op == Op::write_zeroes) {
    for (std::uint64_t lba = request.lba; lba < request.end(); ++lba) blocks_[lba] = {nullptr, version_};
    return;
  }
  for_each_block(request, block_bytes_, [&](std::uint64_t index, const std::byte* from) {
    auto bytes = std::make_shared_for_overwrite<std::byte[]>(block_bytes_);
    std::memcpy(bytes.get(), from, block_bytes_);
    blocks_[request.lba + index] = {std::move(bytes), version_};
  });
}

VolatileBackend::Copy VolatileBackend::copy(std::uint64_t first, std::uint64_t end) const {
  const std::scoped_lock lock(mutex_);
  return {blocks_.lower_bound(first), blocks_.lower_bound(end)};
}

// Blocks that were written again meanwhile stay.
void VolatileBackend::forget(const Copy& persisted) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [lba, block] : persisted) {
    const auto found = blocks_.find(lba);
    if (found != blocks_.end() && found->second.version == block.version) blocks_.erase(found);
  }
}

void VolatileBackend::forget_until(std::uint64_t first, std::uint64_t end, std::uint64_t version) {
  const std::scoped_lock lock(mutex_);
  for (auto it = blocks_.lower_bound(first); it != blocks_.end() && it->first < end;)
    it = it->second.version <= version ? blocks_.erase(it) : std::next(it);
}

std::uint64_t VolatileBackend::version() const {
  const std::scoped_lock lock(mutex_);
  return version_;
}

void VolatileBackend::enqueue(VolatileRequest& job) {
  const std::scoped_lock lock(mutex_);
  const bool first = jobs_.empty();
  jobs_.push_back(&job);
  if (first) job.loop->post(job.go);
}

void VolatileBackend::dequeue(VolatileRequest& job) {
  const std::scoped_lock lock(mutex_);
  WEFT_CHECK(jobs_.front() == &job);
  jobs_.pop_front();
  if (!jobs_.empty()) jobs_.front()->loop->post(jobs_.front()->go);
}

}  // namespace weft::block
