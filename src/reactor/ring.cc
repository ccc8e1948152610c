#include "reactor/ring.h"

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "reactor/kernel.h"

namespace weft::reactor {

namespace {

constexpr unsigned kSubmissions = 1024;
constexpr unsigned kCompletions = 8192;

int open_ring(io_uring& ring, unsigned more_flags) {
  // From the best to what every kernel takes.
  static constexpr unsigned kChoices[] = {
      IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
          IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
      IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
      IORING_SETUP_CQSIZE,
  };
  int error = 0;
  for (const unsigned flags : kChoices) {
    io_uring_params params{};
    params.flags = flags | more_flags;
    params.cq_entries = kCompletions;
    error = -io_uring_queue_init_params(kSubmissions, &ring, &params);
    if (error != EINVAL) break;
  }
  return error;
}

}  // namespace

Result<> Ring::open(Kind kind) {
  const unsigned flags = kind == Kind::polls ? IORING_SETUP_IOPOLL : 0;
  if (const int error = open_ring(ring_, flags); error != 0)
    return std::unexpected(explain_ring_refusal(error));
  open_ = true;
  kind_ = kind;
  io_uring_register_ring_fd(&ring_);  // saves a descriptor look-up per call; works without
  return {};
}

void Ring::close() {
  if (open_) io_uring_queue_exit(&ring_);
  open_ = false;
}

io_uring_sqe& Ring::next(Completion* completion) {
  io_uring_sqe* sqe = nullptr;
  if (backlog_.empty()) {
    sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) {
      io_uring_submit(&ring_);
      sqe = io_uring_get_sqe(&ring_);
    }
  }
  if (sqe == nullptr) sqe = &backlog_.emplace_back();
  std::memset(sqe, 0, sizeof *sqe);
  io_uring_sqe_set_data(sqe, completion);
  return *sqe;
}

void Ring::cancel(Completion& target) {
  io_uring_sqe& sqe = next(nullptr);
  io_uring_prep_cancel64(&sqe, reinterpret_cast<std::uintptr_t>(&target), 0);
}

unsigned Ring::run_completions(unsigned most) {
  unsigned ready = io_uring_cq_ready(&ring_);
  if (ready > most) ready = most;
  for (unsigned i = 0; i < ready; ++i) {
    io_uring_cqe* cqe = nullptr;
    if (io_uring_peek_cqe(&ring_, &cqe) != 0 || cqe == nullptr) return i;
    auto* const completion = static_cast<Completion*>(io_uring_cqe_get_data(cqe));
    const int result = cqe->res;
    const std::uint32_t flags = cqe->flags;
    io_uring_cqe_seen(&ring_, cqe);
    if (completion != nullptr) completion->run(result, flags);
  }
  return ready;
}

void Ring::refill() {
  while (!backlog_.empty()) {
    io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) return;
    *sqe = backlog_.front();
    backlog_.pop_front();
  }
}

void Ring::submit() {
  refill();
  const int result = io_uring_submit_and_get_events(&ring_);
  // EBUSY, EAGAIN, EINTR: what was not taken stays in the ring for the next call.
  WEFT_CHECK(result >= 0 || result == -EBUSY || result == -EAGAIN || result == -EINTR || result == -ENOMEM);
}

void Ring::look() {
  constexpr unsigned kWantsCall = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
  const bool says_when = (ring_.flags & IORING_SETUP_TASKRUN_FLAG) != 0;
  if (!says_when || !backlog_.empty() || io_uring_sq_ready(&ring_) > 0 ||
      (std::atomic_ref(*ring_.sq.kflags).load(std::memory_order_relaxed) & kWantsCall) != 0)
    submit();
}

void Ring::submit_and_sleep(std::optional<Duration> timeout) {
  refill();
  if (!backlog_.empty()) return submit();
  io_uring_cqe* cqe = nullptr;
  __kernel_timespec spec{};
  if (timeout) {
    const auto ns = timeout->count() > 0 ? timeout->count() : 0;
    spec.tv_sec = ns / 1'000'000'000;
    spec.tv_nsec = ns % 1'000'000'000;
  }
  const int result = io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, timeout ? &spec : nullptr, nullptr);
  WEFT_CHECK(result >= 0 || result == -ETIME || result == -EBUSY || result == -EAGAIN || result == -EINTR ||
             result == -ENOMEM);
}

}  // namespace weft::reactor
