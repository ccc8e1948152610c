// The life of a request at the backend.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "exports/file/shared.h"

namespace weft::file_export {

void Work::set_range(std::uint64_t from, std::uint64_t count) {
  const std::uint64_t block = shared.backend->geometry().block_bytes;
  lba = from / block;
  blocks = (from + count + block - 1) / block - lba;
  bytes = count;
  head = from % block;
  all_bytes = blocks * block;
}

bool Work::take_memory() {
  memory = page_memory(all_bytes);
  piece = {memory.get(), all_bytes};
  data = {&piece, 1};
  return memory != nullptr;
}

bool Work::set_zeroes(std::uint64_t from, std::uint64_t end) {
  const std::uint64_t block = shared.backend->geometry().block_bytes;
  zeroes_end = end;
  const std::uint64_t whole = (end - from) / block * block;
  const bool is_whole = from % block == 0 && whole != 0;
  zeroes_at = is_whole ? from + whole : std::min(end, from / block * block + block);
  set_range(from, zeroes_at - from);
  wanted = is_whole ? block::Op::write_zeroes : block::Op::write;
  data = {};
  if (is_whole) return true;
  payload = page_memory(block);
  if (payload == nullptr || !take_memory()) return false;
  std::memset(payload.get(), 0, block);
  return true;
}

void Work::start(std::unique_ptr<Work> work) {
  work->shared.under_way.fetch_add(1, std::memory_order_relaxed);
  Work& its = *work.release();
  its.shared.loop.post(its.there);
}

void Work::go() {
  shared.engine->begin(*this);
}

void Work::submit(block::Op what) {
  op = what;
  done = [](block::Request& ended) noexcept { static_cast<Work&>(ended).stage_ended(); };
  shared.engine->channel().submit(*this);
}

void Work::stage_ended() {
  if (error == 0 && is_partial() && op == block::Op::read) {
    std::memcpy(memory.get() + head, payload.get(), bytes);
    return submit(block::Op::write);
  }
  Engine& engine = *shared.engine;
  engine.ended(*this);
  if (error == 0 && zeroes_at < zeroes_end) {
    if (set_zeroes(zeroes_at, zeroes_end)) return engine.begin(*this);
    error = ENOMEM;
  }
  if (error != 0)
    fuse_reply_err(request, error);
  else if (asked_for == block::Op::read)
    fuse_reply_buf(request, reinterpret_cast<const char*>(memory.get() + head), bytes);
  else if (asked_for == block::Op::write)
    fuse_reply_write(request, bytes);
  else
    fuse_reply_err(request, 0);
  Shared& its = shared;
  delete this;
  its.under_way.fetch_sub(1, std::memory_order_release);
}

void Engine::begin(Work& work) {
  if (!waiting_.empty() || !may_start(work)) return waiting_.push_back(&work);
  start(work);
}

bool Engine::may_start(const Work& work) const {
  return !work.is_change() || (!alone_ && (!work.is_partial() || changing_ == 0));
}

void Engine::start(Work& work) {
  if (work.is_change()) ++changing_;
  alone_ = alone_ || work.is_partial();
  work.submit(work.is_partial() ? block::Op::read : work.wanted);
}

void Engine::ended(const Work& work) {
  if (work.is_change()) --changing_;
  if (work.is_partial()) alone_ = false;
  while (!waiting_.empty() && may_start(*waiting_.front())) {
    Work& next = *waiting_.front();
    waiting_.pop_front();
    start(next);
  }
}

}  // namespace weft::file_export
