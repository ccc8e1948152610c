#include "target/io/fused_pair.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/call.h"
#include "base/check.h"
#include "base/planted.h"
#include "base/reached.h"
#include "target/controller.h"
#include "target/io/range.h"
#include "target/queue.h"
#include "target/target.h"
#include "wire/opcodes.h"

namespace weft::target {

using namespace wire::status;

namespace {

constexpr std::size_t kPage = 4096;

std::size_t part_bytes(std::size_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

bool is(const wire::Sqe& sqe, wire::IoOpcode opcode) {
  return sqe.opcode == static_cast<std::uint8_t>(opcode);
}

// Aborting it is answering it.
void wait_here(Request& half) {
  half.park([](Request&) {});
}

}  // namespace

bool FusedPair::may_begin(const wire::Sqe& first) {
  return is(first, wire::IoOpcode::compare);
}

FusedPair::FusedPair(Request& first)
    : queue_(first.queue), first_{.request = &first}, waiter_(queue_.loop(), pass_) {
  first.pair = this;
  queue_.pin();
}

FusedPair::~FusedPair() {
  if (ns_ != nullptr) ns_->leave();
}

void FusedPair::begin() {
  Request& first = *first_.request;
  wait_here(first);
  if (!queue_.recognize(first)) return;
  const auto command = wire::parse_compare(first.sqe());
  if (!command) return first.complete(command.error());
  range_ = command->range;
  if (first.pointer.length == 0) return first.complete(kDataSglLengthInvalid.with_dnr());
  if (first.pointer.length > kMaxBytes) {
    WEFT_REACHED("target.pair_too_large");
    return first.complete(kAtomicWriteUnitExceeded.with_dnr());
  }
  first.take_buffers(kParts * part_bytes(first.pointer.length),
                     [](Request& request) { request.pair->take_memory(); });
}

void FusedPair::take_memory() {
  has_memory_ = true;
  cut_parts();
  // The second first: what came with it stands in front of all that comes behind it.
  if (second_.request != nullptr && !second_.outcome) pull(second_, kNew);
  pull(first_, kTheirs);
}

// Each lies in one piece of the memory: there are several only where all are pages.
void FusedPair::cut_parts() {
  Request& first = *first_.request;
  const std::size_t bytes = part_bytes(first.pointer.length);
  unsigned which = 0;
  for (const iovec& piece : first.buffers.pieces())
    for (std::size_t at = 0; at + bytes <= piece.iov_len && which < kParts; at += bytes)
      parts_[which++] = {static_cast<std::byte*>(piece.iov_base) + at, first.pointer.length};
  WEFT_CHECK(which == kParts, "each part is in one piece");
}

void FusedPair::pull(Half& half, Part into) {
  half.request->pull_into({&part(into), 1}, [](Request& request) {
    FusedPair& pair = *request.pair;
    pair.half_of(request).has_data = true;
    wait_here(request);
    pair.advance();
  });
}

void FusedPair::join(Request& second) {
  // It counts in the place of the queue from now on.
  second.pair = this;
  second_.request = &second;
  wait_here(second);
  if (first_.request == nullptr) {
    WEFT_REACHED("target.second_of_a_failed_first");
    return second.complete(kAbortedFailedFused);
  }
  if (understand_second() && has_memory_) pull(second_, kNew);
}

bool FusedPair::understand_second() {
  Request& first = *first_.request;
  Request& second = *second_.request;
  if (!is(second.sqe(), wire::IoOpcode::write)) {
    second.complete(wire::CommandError{kInvalidField.with_dnr(), 1, 0});
    return false;
  }
  if (!queue_.recognize(second)) return false;
  const auto command = wire::parse_write(second.sqe());
  if (!command) {
    second.complete(command.error());
    return false;
  }
  if (command->range != range_ || second.sqe().nsid != first.sqe().nsid) {
    WEFT_REACHED("target.pair_of_two_ranges");
    second.complete(wire::CommandError{kInvalidField.with_dnr(), wire::io_field::kSlba, 0});
    return false;
  }
  if (second.pointer.length != first.pointer.length) {
    second.complete(kDataSglLengthInvalid.with_dnr());
    return false;
  }
  fua_ = command->fua || !queue_.controller().write_cache();
  return true;
}

void FusedPair::stay_alone() {
  if (first_.request == nullptr) return unuse(1);
  WEFT_REACHED("target.first_without_second");
  --users_;  // the queue
  if (!first_.outcome) first_.outcome = Outcome{kAbortedMissingFused.with_dnr()};
  advance();
}

void FusedPair::forget_queue() {
  unuse(1);
}

void FusedPair::ended(Request& half, wire::Status status, std::uint16_t error_location) {
  wait_here(half);
  if (stage_ == Stage::writing) {  // the first has found what it wanted; it is the second that failed
    WEFT_REACHED("target.write_of_pair_failed");
    first_.outcome = Outcome{kSuccess};
    second_.outcome = Outcome{status, error_location};
  } else {
    half_of(half).outcome = Outcome{status, error_location};
  }
  advance();
}

void FusedPair::advance() {
  const auto is_busy = [](const Half& half) {
    using State = Request::State;
    return half.request != nullptr && half.request->state != State::parked &&
           half.request->state != State::claiming;
  };
  if (is_busy(first_) || is_busy(second_)) return;
  if (first_.outcome || second_.outcome) return answer();
  if (first_.has_data && second_.has_data && stage_ == Stage::gathering) claim();
}

void FusedPair::claim() {
  stage_ = Stage::claiming;
  for (Half* half : {&first_, &second_}) half->request->state = Request::State::claiming;
  Request& first = *first_.request;
  if (!queue_.meets_needs(first)) return;
  if (!queue_.meets_needs(*second_.request)) return;
  if (const auto bytes = io::data_bytes(first, range_); !bytes) return first.complete(bytes.error());
  ns_ = first.ns;
  ns_->enter();
  waiter_.lba = first.io.lba = range_.slba;
  waiter_.blocks = first.io.blocks = range_.blocks;
  go_on();
}

void FusedPair::may_pass() {
  if (stage_ != Stage::over) go_on();
  unuse(1);
}

// The range may be free; or, when the pair holds it, of the writes that were under way.
void FusedPair::go_on() {
  block::Fence& fence = ns_->fence();
  if (planted(Bug::unheld_pair)) return compare();
  const bool is_held = hold_.registered;
  if (!(is_held ? fence.admit(waiter_) : fence.admit_and_hold(waiter_, hold_)))
    ++users_;  // may_pass will come
  else if (is_held)
    compare();
  else
    settle();
}

void FusedPair::settle() {
  ++users_;
  Target& target = queue_.target();
  const Pin pin = make_pin([this, &home = queue_.loop()] { post_call(home, [this] { may_pass(); }); });
  for (Loop* const loop : target.loops().all())
    post_call(*loop, [&state = target.state(*loop), &backend = *ns_->info().backend, range = range_, pin] {
      for (Queue& queue : state.queues()) queue.await_changes_of(backend, range.slba, range.blocks);
    });
}

// What the backend reads of the command may outlive the pair.
void FusedPair::run_io(block::Op op, Part data, Step next) {
  Request& first = *first_.request;
  first.io.op = op;
  first.piece = part(data);
  first.io.data = {&first.piece, 1};
  first.run_io(next);
}

void FusedPair::compare() {
  stage_ = Stage::comparing;
  run_io(block::Op::read, kOurs, [](Request& request) { request.pair->compared(); });
}

void FusedPair::compared() {
  Request& first = *first_.request;
  if (std::memcmp(part(kOurs).iov_base, part(kTheirs).iov_base, part(kOurs).iov_len) != 0) {
    WEFT_REACHED("target.pair_found_something_else");
    return first.complete(kCompareFailure.with_dnr());
  }
  stage_ = Stage::writing;
  first.io.fua = fua_;
  run_io(block::Op::write, kNew, [](Request& request) { request.pair->written(); });
}

void FusedPair::written() {
  QueueCounters& counters = queue_.counters();
  counters.writes.add(1);
  counters.written_bytes.add(part(kNew).iov_len);
  first_.outcome = second_.outcome = Outcome{kSuccess};
  answer();
}

void FusedPair::answer() {
  let_go_of_range();
  stage_ = Stage::over;
  const unsigned answered = answer(first_) + answer(second_);
  unuse(answered);
}

unsigned FusedPair::answer(Half& half) {
  if (half.request == nullptr) return 0;
  Request& request = *std::exchange(half.request, nullptr);
  request.pair = nullptr;
  request.state = Request::State::running;
  const Outcome outcome = half.outcome.value_or(Outcome{kAbortedFailedFused});
  request.finish(outcome.status, 0, 0, outcome.error_location);
  return 1;
}

void FusedPair::lost(const Request* half) {
  (half == first_.request ? first_ : second_).request = nullptr;
  // What it has at the backend is fenced by itself from now on.
  if (first_.request == nullptr && second_.request == nullptr) {
    let_go_of_range();
    stage_ = Stage::over;
  }
  unuse(1);
}

void FusedPair::let_go_of_range() {
  if (ns_ == nullptr) return;
  if (ns_->fence().cancel(waiter_)) --users_;
  if (hold_.registered) ns_->fence().remove(hold_);
}

void FusedPair::unuse(unsigned users) {
  users_ -= users;
  if (users_ > 0) return;
  Queue& queue = queue_;
  delete this;
  queue.unpin();
}

}  // namespace weft::target
