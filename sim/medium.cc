#include "sim/medium.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weft::sim {

namespace {

// Where the block at `skip` bytes of the data is.
std::byte* place_of(const block::Request& request, std::size_t skip) {
  for (const iovec& piece : request.data) {
    if (skip < piece.iov_len) return static_cast<std::byte*>(piece.iov_base) + skip;
    skip -= piece.iov_len;
  }
  return nullptr;
}

}  // namespace

Medium::Medium(World& world, const DiskOptions& options)
    : world_(world), options_(options), bytes_(options.blocks * options.block_bytes), durable_(bytes_) {}

std::span<std::byte> Medium::block(std::vector<std::byte>& of, std::uint64_t index) {
  return std::span(of).subspan(index * options_.block_bytes, options_.block_bytes);
}

void Medium::set_stuck(bool stuck) {
  stuck_ = stuck;
  if (stuck) return;
  for (auto& job : std::exchange(held_, {})) begin(std::move(job));
}

void Medium::begin(std::shared_ptr<Job> job) {
  if (job->is_over) return;
  std::erase_if(jobs_, [](const auto& each) { return each.expired(); });
  jobs_.push_back(job);
  if (stuck_) return held_.push_back(std::move(job));
  const block::Request& request = job->request;
  const Duration takes = world_.some_time(options_.least, options_.most);
  const bool fails = options_.errors_one_in != 0 && world_.dice().one_in(options_.errors_one_in);
  const bool is_flush = request.op == block::Op::flush;
  const std::uint64_t blocks = is_flush ? 0 : request.blocks;
  const bool loses = request.op == block::Op::write && options_.loses_one_in != 0 &&
                     world_.dice().one_in(options_.loses_one_in);
  const std::uint64_t moves = loses ? 0 : fails && blocks > 0 ? world_.dice().below(blocks) : blocks;
  job->moved.resize(moves);
  if (is_flush)
    for (const auto& [index, versions] : cached_) job->covers[index] = versions.back().serial;
  for (std::uint64_t i = 0; i < moves; ++i)
    world_.after(world_.some_time({}, takes), [this, job, i] { move_block(*job, i); });
  const bool is_full = request.op == block::Op::write && fails && world_.dice().one_in(2);
  world_.after(takes, [this, job, error = is_full ? ENOSPC : fails ? EIO : 0] { end(*job, error); });
}

void Medium::move_block(Job& job, std::uint64_t index) {
  if (job.is_over) return;
  job.moved[index] = true;
  const block::Request& request = job.request;
  const std::uint64_t at = request.lba + index;
  const std::size_t bytes = options_.block_bytes;
  if (request.op == block::Op::read) {
    std::memcpy(place_of(request, index * bytes), block(bytes_, at).data(), bytes);
  } else if (request.op == block::Op::write) {
    store(job, at, {place_of(request, index * bytes), bytes});
  } else {
    store(job, at, std::vector<std::byte>(bytes));
  }
}

void Medium::store(Job& job, std::uint64_t at, std::span<const std::byte> bytes) {
  std::ranges::copy(bytes, block(bytes_, at).begin());
  if (!options_.volatile_cache) return;
  const std::uint64_t serial = next_serial_++;
  cached_[at].push_back({serial, {bytes.begin(), bytes.end()}});
  if (job.request.fua) job.covers[at] = serial;
}

void Medium::end(Job& job, int error) {
  if (std::exchange(job.is_over, true)) return;
  if (error == 0)
    for (const auto& [index, serial] : job.covers) make_durable(index, serial);
  job.answers.add(job.request, error);
}

void Medium::make_durable(std::uint64_t at, std::uint64_t serial) {
  const auto versions = cached_.find(at);
  if (versions == cached_.end()) return;
  auto& all = versions->second;
  while (!all.empty() && all.front().serial <= serial) {
    std::ranges::copy(all.front().bytes, block(durable_, at).begin());
    all.pop_front();
  }
  if (all.empty()) cached_.erase(versions);
}

void Medium::drop(const void* owner) {
  for (const auto& each : jobs_) {
    const auto job = each.lock();
    if (job == nullptr || job->is_over || job->owner != owner) continue;
    const bool is_held = std::ranges::find(held_, job) != held_.end();
    for (std::uint64_t i = 0; i < job->moved.size(); ++i)
      if (!is_held && job->request.op != block::Op::read && !job->moved[i] && world_.dice().one_in(2))
        move_block(*job, i);
    job->is_over = true;
  }
}

void Medium::lose_power() {
  for (auto& [index, versions] : cached_) {
    const std::uint64_t left = world_.dice().below(versions.size() + 1);
    if (left > 0) std::ranges::copy(versions[left - 1].bytes, block(durable_, index).begin());
  }
  cached_.clear();
  if (options_.volatile_cache) bytes_ = durable_;
}

std::size_t Medium::under_way(const void* owner) const {
  return static_cast<std::size_t>(std::ranges::count_if(jobs_, [owner](const auto& each) {
    const auto job = each.lock();
    return job != nullptr && !job->is_over && job->owner == owner;
  }));
}

}  // namespace weft::sim
