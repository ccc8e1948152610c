#include "target/request.h"

#include <cstring>

#include "base/check.h"
#include "base/planted.h"
#include "base/reached.h"
#include "target/controller.h"
#include "target/io/fused_pair.h"
#include "target/io/io_status.h"
#include "target/queue.h"

namespace weft::target {

using namespace wire::status;

Request::Request(Queue& owner, fabric::Reply duty)
    : queue(owner),
      reply(std::move(duty)),
      cid(reply.cid()),
      came_at(owner.loop().now()),
      fence_waiter_(owner.loop(), fence_pass_) {}

Request::~Request() = default;

bool Request::gone() const {
  return queue.gone();
}

void Request::take_buffers(std::size_t bytes, Step next) {
  BufferPool& pool = queue.loop().buffers();
  if (pool.try_take(queue.party(*this), bytes, buffers)) {
    next(*this);
    return;
  }
  WEFT_REACHED("target.no_memory_now");
  next_ = next;
  state = State::awaiting_buffers;
  pool.wait(queue.party(*this), bytes, buffer_wait_);
}

void Request::BufferWait::granted(BufferPool::Waiter& waiter) noexcept {
  Request& request = static_cast<BufferWait&>(waiter).request;
  request.state = State::running;
  request.next_(request);
}

void Request::receive_data(std::size_t bytes, Step next) {
  if (pointer.length < bytes) {
    WEFT_REACHED("target.host_data_too_short");
    complete(kDataSglLengthInvalid.with_dnr());
    return;
  }
  after_pull_ = next;
  take_buffers(bytes,
               [](Request& request) { request.pull_into(request.buffers.pieces(), request.after_pull_); });
}

void Request::pull_into(std::span<const iovec> into, Step next) {
  after_pull_ = next;
  state = State::pulling;
  pull_.into = into;
  pull_.done = &Request::pulled;
  reply.pull(pull_);
}

void Request::pulled(fabric::Pull& pull, fabric::Pull::Outcome outcome) noexcept {
  Request& request = static_cast<DataPull&>(pull).request;
  using Outcome = fabric::Pull::Outcome;
  if (outcome == Outcome::lost) {
    WEFT_REACHED("target.connection_lost_while_pulling");
    request.park(nullptr);  // Queue::disconnected comes next
    return;
  }
  request.state = State::running;
  if (outcome == Outcome::digest_error) {
    WEFT_REACHED("target.host_data_damaged");
    request.complete(kTransientTransportError);
  } else {
    request.after_pull_(request);
  }
}

void Request::run_io(Step next, bool ordered) {
  next_ = next;
  ordered_ = ordered || block::modifies(io.op);
  io.done = &Request::io_done;
  submit_io();
}

void Request::submit_io() {
  block::Fence& fence = ns->fence();
  if (!fence.idle()) {
    if (fence.overloaded()) {
      WEFT_REACHED("target.too_many_late_commands");
      complete(kInternalPathError);
      return;
    }
    if (ordered_ && !planted(Bug::unfenced_late_write)) {
      fence_waiter_.lba = io.lba;
      fence_waiter_.blocks = io.blocks;
      fence_waiter_.own = pair != nullptr ? &pair->hold() : nullptr;
      state = State::fenced;
      if (!fence.admit(fence_waiter_)) {
        WEFT_REACHED("target.waits_for_late_commands");
        return;
      }
    }
  }
  state = State::in_backend;
  if (planted(Bug::early_completion) && io.op == block::Op::write)
    reply.complete({.sqhd = queue.next_sqhd(), .cid = reply.cid().value()});
  ns->channel().submit(io);
}

void Request::FencePass::run(Task& task) noexcept {
  Request& request = static_cast<FencePass&>(task).request;
  if (request.gone()) {
    WEFT_REACHED("target.connection_lost_before_fence_opened");
    return request.dispose();
  }
  request.submit_io();
}

void Request::io_done(block::Request& io) noexcept {
  Request& request = static_cast<BackendIo&>(io).owner;
  if (!io.is_declined()) request.ns->count(io);
  if (request.state != State::in_backend) {
    request.ns->fence().remove(request.late_);
    if (request.state == State::late) {
      WEFT_REACHED("target.late_command_ended");
      return request.dispose();
    }
    WEFT_REACHED("target.pair_waited_for_command");
  }
  request.state = State::running;
  if (planted(Bug::early_completion) && !request.reply.pending()) return request.dispose();
  if (io.error != 0) {
    WEFT_REACHED("target.backend_failed");
    request.complete(status_of_error(io.op, io.error));
  } else {
    request.next_(request);
  }
}

void Request::complete(wire::CommandError error) {
  finish(error.status, 0, 0, error.location());
}

void Request::complete_data(std::size_t bytes, std::uint64_t result) {
  finish(kSuccess, result, std::min<std::size_t>(bytes, pointer.length));
}

void Request::finish(wire::Status status, std::uint64_t result, std::size_t data_bytes,
                     std::uint16_t error_location) {
  if (pair != nullptr) return pair->ended(*this, status, error_location);
  wire::Cqe cqe{};
  cqe.result = result;
  cqe.sqhd = queue.next_sqhd();
  cqe.cid = reply.cid().value();
  cqe.status = status.encode();
  if (!status.ok()) queue.note_error(*this, status, error_location);
  if (data_bytes == 0) {
    reply.complete(cqe);
    dispose();
    return;
  }
  sending_.from = data_to_send(data_bytes);
  sending_.released = &Request::released;
  state = State::sending;
  reply.complete(cqe, sending_);
}

std::span<const iovec> Request::data_to_send(std::size_t bytes) {
  if (loan.is_given()) {
    WEFT_CHECK(bytes == loan.memory().iov_len, "what was lent is sent as a whole");
    return {&loan.memory(), 1};
  }
  std::size_t left = bytes;
  std::size_t count = 0;
  for (iovec& piece : buffers.pieces()) {
    if (left == 0) break;
    piece.iov_len = std::min(piece.iov_len, left);
    left -= piece.iov_len;
    ++count;
  }
  WEFT_CHECK(left == 0, "a handler has the data that it sends");
  return std::span<const iovec>(buffers.pieces()).first(count);
}

void Request::released(fabric::DataOut& out) noexcept {
  static_cast<Sending&>(out).request.dispose();
}

void Request::fill(std::span<const std::byte> content) {
  for (const iovec& piece : buffers.pieces()) {
    const std::size_t count = std::min(content.size(), piece.iov_len);
    auto* to = static_cast<std::byte*>(piece.iov_base);
    if (count > 0) std::memcpy(to, content.data(), count);
    std::memset(to + count, 0, piece.iov_len - count);
    content = content.subspan(count);
  }
}

void Request::read_out(std::span<std::byte> into) const {
  for (const iovec& piece : buffers.pieces()) {
    const std::size_t count = std::min(into.size(), piece.iov_len);
    if (count > 0) std::memcpy(into.data(), piece.iov_base, count);
    into = into.subspan(count);
  }
}

void Request::park(Step lost) {
  state = State::parked;
  lost_ = lost;
}

void Request::await_if_changing(const block::Backend& backend, std::uint64_t lba, std::uint64_t blocks) {
  if (state != State::in_backend || !block::modifies(io.op) || ns->info().backend.get() != &backend) return;
  if (io.lba >= lba + blocks || lba >= io.end()) return;
  state = State::awaited;
  fence_io();
}

void Request::fence_io() {
  late_.lba = io.lba;
  late_.blocks = block::modifies(io.op) ? io.blocks : 0;
  ns->fence().add(late_);
}

void Request::connection_lost() {
  FusedPair* const torn = std::exchange(pair, nullptr);
  lose();
  if (torn != nullptr) torn->lost(this);
}

void Request::lose() {
  switch (state) {
    case State::awaiting_buffers:
      WEFT_REACHED("target.connection_lost_without_memory");
      queue.loop().buffers().cancel(buffer_wait_);
      break;
    case State::fenced:
      if (ns->fence().cancel(fence_waiter_)) {
        WEFT_REACHED("target.connection_lost_behind_fence");
        break;
      }
      WEFT_REACHED("target.connection_lost_as_fence_opened");
      reply.abandon();  // its task is on the way and sees that the queue is gone
      return;
    case State::in_backend:
      if (planted(Bug::used_after_close)) break;
      fence_io();
      [[fallthrough]];
    case State::awaited:
      WEFT_REACHED("target.connection_lost_in_backend");
      state = State::late;
      reply.abandon();
      return;
    case State::claiming:
      WEFT_REACHED("target.connection_lost_in_pair");
      break;
    case State::parked:
      if (lost_ != nullptr) {
        WEFT_REACHED("target.connection_lost_parked");
        lost_(*this);
      }
      break;
    case State::running:
    case State::pulling:
    case State::sending:
    case State::late:
      WEFT_CHECK(false, "transfers end before the connection is gone, and it goes once");
  }
  reply.abandon();
  dispose();
}

bool Request::try_abort() {
  switch (state) {
    case State::awaiting_buffers:
      WEFT_REACHED("target.aborted_without_memory");
      queue.loop().buffers().cancel(buffer_wait_);
      break;
    case State::fenced:
      if (!ns->fence().cancel(fence_waiter_)) {
        WEFT_REACHED("target.abort_as_fence_opened");
        return false;
      }
      WEFT_REACHED("target.aborted_behind_fence");
      break;
    case State::parked:
      if (lost_ == nullptr) {
        WEFT_REACHED("target.abort_of_unanswerable");
        return false;
      }
      lost_(*this);
      break;
    default:
      return false;
  }
  state = State::running;
  complete(kAbortRequested);
  return true;
}

void Request::dispose() {
  if (loan.is_given()) loan.give_back();
  if (!planted(Bug::leaked_buffers) || !gone()) queue.loop().buffers().give_back(queue.party(*this), buffers);
  if (ns != nullptr) ns->leave();
  queue.remove(*this);
}

}  // namespace weft::target
