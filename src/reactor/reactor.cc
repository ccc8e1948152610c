#include "reactor/reactor.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <future>

#include "base/check.h"
#include "reactor/core.h"
#include "reactor/kernel.h"

namespace weft::reactor {

namespace {

// Of one turn, so that nobody has the loop for himself.
constexpr unsigned kMostCompletions = 1024;
constexpr unsigned kMostTasks = 1024;
constexpr unsigned kMostDeferred = 8192;
constexpr unsigned kLastTurns = 1024;  // after stop, for tasks that post tasks

Time clock_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Time(Duration(std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec));
}

void count(std::atomic<std::uint64_t>& counter, std::uint64_t more) {
  counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace

void Reactor::TaskQueue::append(Task* tasks) {
  if (tasks == nullptr) return;
  if (first == nullptr)
    first = tasks;
  else
    last->next.store(tasks, std::memory_order_relaxed);
  while (Task* const next = tasks->next.load(std::memory_order_relaxed)) tasks = next;
  last = tasks;
}

unsigned Reactor::TaskQueue::run(unsigned most) {
  unsigned ran = 0;
  while (first != nullptr && ran < most) {
    Task* const task = first;
    first = task->next.load(std::memory_order_relaxed);  // before it runs: it may be posted again, or gone
    task->run();
    ++ran;
  }
  return ran;
}

Reactor::Reactor(unsigned index, const ReactorsOptions& options, Cpus near, std::uint64_t seed)
    : index_(index),
      name_(fmt::format("{}-{}", options.name, index).substr(0, 15)),
      now_(clock_now()),
      spin_(options.spin, [this] { return waited_for_others(); }),
      timers_(now_),
      most_held_bytes_(holdable_bytes() / options.count / 2),
      dice_(seed),
      pool_(*this, options.buffer_bytes_each) {
  is_pinned_ = !options.cpus.empty();
  cpus_ = is_pinned_ ? Cpus{options.cpus[index % options.cpus.size()]} : std::move(near);
}

Reactor::~Reactor() {
  WEFT_CHECK(!is_running(), "reactors are stopped before they are destroyed");
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

int Reactor::stay_on_cpus() const {
  if (cpus_.empty()) return 0;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const unsigned cpu : cpus_)
    if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  return ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

Result<> Reactor::open() {
  if (const int error = stay_on_cpus(); error != 0 && is_pinned_)
    return fail(error, fmt::format("reactor {}: CPU {} is not available to this process ({}): choose others",
                                   index_, cpus_.front(), errno_text(error)));
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC);
  if (wake_fd_ < 0) return fail_errno(errno, fmt::format("reactor {}: eventfd", index_));
  if (auto opened = ring_.open(); !opened) return opened;
  if (auto opened = recv_buffers_.open(ring_); !opened) return opened;
  table_.open(file_table_entries());
  files_.open(most_held_bytes_);
  watch_wake();
  return {};
}

Result<> Reactor::start() {
  std::promise<Result<>> opened;
  thread_ = std::thread([this, &opened] {
    ::pthread_setname_np(::pthread_self(), name_.c_str());
    home_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    Result<> result = open();
    const bool good = result.has_value();
    running_.store(good, std::memory_order_release);
    opened.set_value(std::move(result));
    if (good) main();
    close();
  });
  return opened.get_future().get();
}

void Reactor::close() {
  poll_ring_.close();
  ring_.close();
}

void Reactor::request_stop() {
  if (is_running() && !stop_requested_.exchange(true)) post(stop_);
}

void Reactor::join() {
  WEFT_CHECK(!is_here(), "a reactor does not wait for itself");
  if (thread_.joinable()) thread_.join();
}

void Reactor::main() {
  cpu_delay_.open();
  while (!stopping_) turn();
  for (unsigned i = 0; i < kLastTurns && (posted_.first != nullptr || !mailbox_.empty()); ++i) turn();
  close();
  running_.store(false, std::memory_order_release);
  while (!lasting_.empty()) {
    Lasting& part = lasting_.front();
    lasting_.pop_front();
    part.on_stopped();
  }
  flushable_.clear();
}

void Reactor::turn() {
  now_ = clock_now();
  count(turns_, 1);
  unsigned done = ring_.run_completions(kMostCompletions);
  if (polls()) done += poll_ring_.run_completions(kMostCompletions);
  count(completions_, done);
  posted_.append(mailbox_.take_all());
  done += posted_.run(kMostTasks);
  done += timers_.advance(now_);
  done += deferred_.run(kMostDeferred);
  if (done > 0) spin_.note_work(now_);
  flush();
  end_turn();
}

// What the kernel calls waiting begins when a thread is woken, even if its CPU is idle and has only to wake
// up.
std::optional<Duration> Reactor::waited_for_others() {
  constexpr Duration kWakeTime = std::chrono::microseconds(30);
  auto waited = cpu_delay_.read();
  if (waited) *waited -= kWakeTime * sleeps_.load(std::memory_order_relaxed);
  return waited;
}

void Reactor::flush() {
  List<Flushable, FlushTag> parts;
  parts.swap(flushable_);
  while (!parts.empty()) {
    Flushable& part = parts.front();
    parts.pop_front();
    part.flush();
  }
}

void Reactor::end_turn() {
  const Time end = clock_now();
  const auto length = static_cast<std::uint64_t>((end - now_).count());
  if (length > longest_turn_ns_.load(std::memory_order_relaxed))
    longest_turn_ns_.store(length, std::memory_order_relaxed);

  const bool busy = stopping_ || posted_.first != nullptr || deferred_.first != nullptr ||
                    !flushable_.empty() || ring_.has_completions();
  const bool asks = polls();
  if (asks) poll_ring_.submit();
  if (busy) return ring_.submit();
  std::optional<Duration> timeout;
  if (const auto wake = timers_.next_wake()) {
    if (*wake <= end) return ring_.submit();
    timeout = *wake - end;
  }
  if (asks || spin_.looks_on(end)) return ring_.look();
  if (!mailbox_.fall_asleep()) return ring_.submit();
  count(sleeps_, 1);
  ring_.submit_and_sleep(timeout);
  mailbox_.wake_up();
}

void Reactor::submit(FileOp& op) {
  const bool asks = op.polled && (poll_ring_.is_open() || open_poll_ring());
  (asks ? polled_files_ : files_).submit(op);
}

bool Reactor::open_poll_ring() {
  if (!poll_ring_.open(Ring::Kind::polls)) return false;
  polled_files_.open(most_held_bytes_);
  return true;
}

void Reactor::watch_wake() {
  io_uring_prep_read(&ring_.next(&wake_), wake_fd_, &wake_count_, sizeof wake_count_, 0);
}

void Reactor::on_wake(int, std::uint32_t) {
  watch_wake();
}

void Reactor::arm(Timer& timer, Duration delay) {
  if (delay < Duration::zero()) delay = Duration::zero();
  const bool never = delay > Time::max() - now_;
  timers_.arm(timer, never ? Time::max() : now_ + delay);
}

void Reactor::post(Task& task) {
  task.mark_posted();
  if (!mailbox_.put(task)) return;
  const std::uint64_t one = 1;
  // It cannot be full: each wake is read before the next is needed.
  WEFT_CHECK(::write(wake_fd_, &one, sizeof one) == sizeof one);
}

void Reactor::defer(Task& task) {
  task.mark_posted();
  task.next.store(nullptr, std::memory_order_relaxed);
  deferred_.append(&task);
}

void Reactor::command(DeviceCommand& command) {
  io_uring_sqe& sqe = ring_.next(&command);
  io_uring_prep_rw(IORING_OP_URING_CMD, &sqe, command.fd, nullptr, 0, 0);
  sqe.cmd_op = command.code;
  static_assert(sizeof command.argument == sizeof sqe - offsetof(io_uring_sqe, cmd));
  std::memcpy(reinterpret_cast<std::byte*>(&sqe) + offsetof(io_uring_sqe, cmd), command.argument.data(),
              command.argument.size());
}

ReactorStats Reactor::stats() const {
  return {.turns = turns_.load(std::memory_order_relaxed),
          .sleeps = sleeps_.load(std::memory_order_relaxed),
          .completions = completions_.load(std::memory_order_relaxed),
          .longest_turn_ns = longest_turn_ns_.load(std::memory_order_relaxed)};
}

Result<std::unique_ptr<Reactors>> Reactors::start(const ReactorsOptions& options) {
  if (options.count == 0) return fail(EINVAL, "reactors: the count is 0; at least 1 is needed");
  if (options.in_use > options.count)
    return fail(EINVAL, fmt::format("reactors: {} cannot be in use of {}", options.in_use, options.count));
  auto warnings = probe_kernel();
  if (!warnings) return std::unexpected(warnings.error());
  std::unique_ptr<Reactors> all(new Reactors);
  all->warnings_ = std::move(*warnings);
  all->loads_ = std::make_unique<std::atomic<std::uint32_t>[]>(options.count);
  all->in_use_ = options.in_use == 0 ? options.count : options.in_use;
  const std::vector<Cpus> nodes = memory_nodes(allowed_cpus());
  for (unsigned i = 0; i < options.count; ++i) {
    std::uint64_t seed = i;
    if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) return fail_errno(errno, "reactors: getrandom");
    all->reactors_.push_back(
        std::make_unique<Reactor>(i, options, place_reactor(i, options.count, nodes), seed));
    all->loops_.push_back(all->reactors_.back().get());
    if (auto started = all->reactors_.back()->start(); !started) return std::unexpected(started.error());
  }
  return all;
}

Reactors::~Reactors() {
  stop();
}

void Reactors::stop() {
  for (auto& reactor : reactors_) reactor->request_stop();
  for (auto& reactor : reactors_) reactor->join();
}

Loop& Reactors::acquire_least_loaded() {
  while (true) {
    std::size_t least = 0;
    std::uint32_t load = loads_[0].load(std::memory_order_relaxed);
    for (std::size_t i = 1; i < in_use(); ++i) {
      const std::uint32_t other = loads_[i].load(std::memory_order_relaxed);
      if (other < load) least = i, load = other;
    }
    if (loads_[least].compare_exchange_strong(load, load + 1, std::memory_order_relaxed))
      return *loops_[least];
  }
}

void Reactors::release(Loop& loop) {
  const auto before = loads_[loop.index()].fetch_sub(1, std::memory_order_relaxed);
  WEFT_CHECK(before > 0, "a loop is released once for each time it was acquired");
}

void Reactors::use(unsigned count) {
  WEFT_CHECK(count > 0 && count <= loops_.size(), "some of the loops are in use");
  in_use_.store(count, std::memory_order_relaxed);
}

Services& Reactors::of(Loop& loop) {
  WEFT_CHECK(loop.index() < loops_.size() && loops_[loop.index()] == &loop, "a loop of these reactors");
  return *reactors_[loop.index()];
}

ReactorStats Reactors::stats(const Loop& loop) const {
  WEFT_CHECK(loop.index() < loops_.size() && loops_[loop.index()] == &loop, "a loop of these reactors");
  ReactorStats stats = reactors_[loop.index()]->stats();
  stats.carries = loads_[loop.index()].load(std::memory_order_relaxed);
  return stats;
}

}  // namespace weft::reactor
