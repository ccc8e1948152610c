#include "cli/bench/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/text.h"
#include "cli/bench/cpu.h"
#include "cli/bench/own_cost.h"
#include "cli/progress.h"

namespace weft::cli::bench {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
constexpr Seconds kOwnTime{0.2};

class Load {
 public:
  Load(Remotes& remotes, const LoadOptions& options) : remotes_(remotes), options_(options) {
    run_.workload = options.workload;
  }

  Result<> connect(const RemoteName& target) {
    for (unsigned job = 0; job < options_.jobs; ++job) {
      auto reached = remotes_.open(target, options_.queues);
      if (!reached) return std::unexpected(reached.error());
      if ((*reached)->io_queues() < options_.queues)
        return fail(EAGAIN, fmt::format("the target grants {} queues to a controller, not {}",
                                        (*reached)->io_queues(), options_.queues));
      if (const auto fits = check_fit(**reached); !fits) return fits;
      namespaces_.push_back(std::move(*reached));
    }
    make_generators();
    const host::Address address = namespaces_.front()->paths().front().address;
    target_ = listener_of(address.traddr,
                          static_cast<std::uint16_t>(parse_number(address.trsvcid, 0, 0xFFFF).value_or(0)));
    return {};
  }

  Result<std::unique_ptr<LoadResult>> measure(bool shows_progress) {
    auto result = std::make_unique<LoadResult>();
    const auto own = measure_own_cost(run_.workload, kOwnTime);
    if (!own) return fail(own.error().code, "measuring this host: " + own.error().message);
    result->own_cost = *own;
    start(&Generator::start);
    {
      const Progress progress(shows_progress, [this] { return live_line(); });
      sleep(options_.warm_up);
      const auto began = Clock::now();
      const Seconds host = own_cpu();
      const auto target = target_ ? cpu_of(*target_) : std::nullopt;
      run_.measures = true;
      sleep(options_.time);
      run_.measures = false;
      result->took = Clock::now() - began;
      result->host_cpu = own_cpu() - host;
      const auto after = target_ ? cpu_of(*target_) : std::nullopt;
      if (target && after) result->target_cpu = *after - *target;
    }
    run_.stops = true;
    await_end();
    if (const auto failed = failure(); !failed) return std::unexpected(failed.error());
    if (run_.workload.verify && pattern_row(run_.workload.pattern).writes) {
      const Progress progress(shows_progress, [] { return std::string("reading back what was written"); });
      start(&Generator::start_reading_back);
      await_end();
      if (const auto failed = failure(); !failed) return std::unexpected(failed.error());
    }
    collect(*result);
    return result;
  }

 private:
  const host::NamespaceInfo& info() const { return namespaces_.front()->info(); }

  Result<> check_fit(const host::Namespace& remote) const {
    const std::uint32_t bytes = run_.workload.block_bytes;
    if (bytes % remote.info().block_bytes != 0)
      return fail(EINVAL, fmt::format("--bs {}: must be a multiple of the namespace's blocks of {} bytes",
                                      bytes, remote.info().block_bytes));
    if (bytes > remote.max_transfer_bytes())
      return fail(EINVAL, fmt::format("--bs {}: the target takes {} at most in one command", bytes,
                                      size_text(remote.max_transfer_bytes())));
    const std::uint64_t size = options_.size.value_or(remote.info().bytes());
    if (size > remote.info().bytes())
      return fail(EINVAL, fmt::format("--size {}: the namespace has {}", size_text(size),
                                      size_text(remote.info().bytes())));
    constexpr std::uint64_t kMostVerified = std::uint64_t{1} << 28;  // a GiB of memory for what they hold
    if (run_.workload.verify && size / bytes > kMostVerified)
      return fail(EINVAL, fmt::format("--verify: remembers {} blocks at most; say --size {}", kMostVerified,
                                      size_text(kMostVerified * bytes)));
    const std::uint64_t generators = std::uint64_t{options_.jobs} * options_.queues;
    if (size / bytes < generators * (run_.workload.depth + 1))
      return fail(EINVAL, fmt::format("{} is too small for {} queues of {} commands of {}", size_text(size),
                                      generators, run_.workload.depth, size_text(bytes)));
    return {};
  }

  // Where each has a part of its own, nobody overwrites what another verifies, and streams do not follow each
  // other.
  void make_generators() {
    const std::uint64_t all = options_.size.value_or(info().bytes()) / run_.workload.block_bytes;
    const std::uint64_t generators = std::uint64_t{options_.jobs} * options_.queues;
    const bool apart = run_.workload.verify || !pattern_row(run_.workload.pattern).random;
    const std::uint64_t part = apart ? all / generators : all;
    for (std::uint64_t i = 0; i < generators; ++i)
      generators_.push_back(
          std::make_unique<Generator>(run_, namespaces_[i / options_.queues]->io_queue(i % options_.queues),
                                      info(), apart ? i * part : 0, part, generators, i));
  }

  void start(void (Generator::*how)(std::move_only_function<void()>)) {
    {
      const std::scoped_lock lock(mutex_);
      running_ = generators_.size();
    }
    for (const auto& each : generators_)
      ((*each).*how)([this] {
        const std::scoped_lock lock(mutex_);
        if (--running_ == 0) changed_.notify_all();
      });
  }

  // Less when all generators have ended: one has failed.
  void sleep(Seconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [this] { return running_ == 0; });
  }
  void await_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return running_ == 0; });
  }

  Result<> failure() const {
    for (const auto& each : generators_)
      if (!each->failure().empty()) return fail(EIO, each->failure());
    return {};
  }

  std::string live_line() {
    std::uint64_t commands = 0;
    std::uint64_t bytes = 0;
    for (const auto& each : generators_) commands += each->commands(), bytes += each->bytes();
    const auto now = Clock::now();
    const Seconds since = now - shown_at_;
    const auto rate = [&](std::uint64_t value, std::uint64_t before) {
      return static_cast<double>(value - before) / std::max(since.count(), 1e-3);
    };
    std::string line = fmt::format("{}{:.0f} IOPS, {}/s",
                                   run_.measures ? "" : "warming up: ", rate(commands, shown_commands_),
                                   size_text(static_cast<std::uint64_t>(rate(bytes, shown_bytes_))));
    shown_at_ = now, shown_commands_ = commands, shown_bytes_ = bytes;
    return line;
  }

  void collect(LoadResult& result) const {
    for (const auto& each : generators_) {
      result.reads.latency.add(each->reads());
      result.writes.latency.add(each->writes());
      result.verified += each->verified();
      result.longest_pause = std::max(result.longest_pause, Seconds(each->longest_pause()));
    }
    result.reads.bytes = result.reads.latency.count() * run_.workload.block_bytes;
    result.writes.bytes = result.writes.latency.count() * run_.workload.block_bytes;
    for (const auto& each : namespaces_) result.losses += each->losses();
  }

  Remotes& remotes_;
  const LoadOptions& options_;
  Run run_;
  std::vector<std::unique_ptr<host::Namespace>> namespaces_;  // of each job
  std::optional<pid_t> target_;
  std::vector<std::unique_ptr<Generator>> generators_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t running_ = 0;
  Clock::time_point shown_at_ = Clock::now();
  std::uint64_t shown_commands_ = 0;
  std::uint64_t shown_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<LoadResult>> run_load(Remotes& remotes, const RemoteName& target,
                                             const LoadOptions& options, bool shows_progress) {
  Load load(remotes, options);
  if (const auto connected = load.connect(target); !connected) return std::unexpected(connected.error());
  return load.measure(shows_progress);
}

}  // namespace weft::cli::bench
