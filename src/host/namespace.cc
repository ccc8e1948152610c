#include "host/namespace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/call.h"
#include "base/run_on.h"
#include "host/execute.h"
#include "wire/admin_command.h"

namespace weft::host {

Namespace::Namespace(Loops& loops, NamespaceOptions options)
    : loops_(loops),
      no_path_time_(options.no_path_time),
      subnqn_(options.ways.front().options.address.subnqn),
      verdicts_(options.ways.size()) {
  choose_loops(options);
  for (NamespaceOptions::Way& way : options.ways) {
    way.options.io_queues = options.ways.front().options.io_queues;
    way.options.queue_loops = queue_loops_;
    way.options.patient = options.ways.size() > 1;
    paths_.push_back(std::make_unique<Path>(loops, *way.initiator, way.options, options.nsid, paths_.size(),
                                            static_cast<PathOwner&>(*this)));
  }
}

void Namespace::choose_loops(const NamespaceOptions& options) {
  const auto all = loops_.all();
  for (std::size_t i = 0; i < options.ways.front().options.io_queues; ++i) {
    if (!options.queue_on_each_loop) acquired_.push_back(&loops_.acquire_least_loaded());
    queue_loops_.push_back(options.queue_on_each_loop ? all[i % all.size()] : acquired_.back());
  }
}

Result<std::unique_ptr<Namespace>> Namespace::open(Loops& loops, NamespaceOptions options) {
  std::unique_ptr<Namespace> self = start(loops, std::move(options));
  {
    std::unique_lock lock(self->mutex_);
    self->changed_.wait(lock, [&] { return std::ranges::all_of(self->verdicts_, &Verdict::is_decided); });
  }
  if (const Result<> reached = self->settle(); !reached) return std::unexpected(reached.error());
  return self;
}

std::unique_ptr<Namespace> Namespace::start(Loops& loops, NamespaceOptions options) {
  std::unique_ptr<Namespace> self(new Namespace(loops, std::move(options)));
  for (const auto& path : self->paths_) path->start();
  return self;
}

bool Namespace::is_decided() const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::all_of(verdicts_, &Verdict::is_decided);
}

// What all paths that are there agree on.
Result<> Namespace::settle() {
  const std::scoped_lock lock(mutex_);
  std::size_t queues = 0;
  std::string why;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const Verdict& verdict = verdicts_[i];
    if (!verdict.access) {
      why += fmt::format("{}{}", why.empty() ? "" : "; ", verdict.why.message);
      continue;
    }
    const std::size_t granted = paths_[i]->controller().io_queues();
    queues = queues == 0 ? granted : std::min(queues, granted);
  }
  if (std::ranges::none_of(verdicts_, [](const Verdict& each) { return each.access.has_value(); }))
    return fail(verdicts_.front().why.code, why);
  if (queues == 0) return fail(EIO, subnqn_ + ": the target grants no I/O queue");
  for (std::size_t i = 0; i < queues; ++i)
    queues_.push_back(std::make_unique<IoQueue>(*queue_loops_[i], paths_.size(), no_path_time_,
                                                static_cast<PathDoubter&>(*this)));
  is_open_ = true;
  for (std::size_t i = 0; i < paths_.size(); ++i)
    if (verdicts_[i].access) publish(*paths_[i], *verdicts_[i].access);
  return {};
}

Namespace::~Namespace() {
  stop();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return std::ranges::all_of(paths_, &Path::is_gone); });
  }
  // What was posted before refers to the paths and queues; what that has posted does, too.
  for (int round = 0; round < 2; ++round)
    for (Loop* loop : loops_.all()) run_on(*loop, [] {});
  for (Loop* loop : acquired_) loops_.release(*loop);
}

void Namespace::stop() {
  for (const auto& queue : queues_) post_call(queue->loop(), [its = queue.get()] { its->give_up(); });
  for (const auto& path : paths_) path->stop();
}

Result<> Namespace::on_path_known(Path& path, const NamespaceInfo& info, Access access) {
  const std::scoped_lock lock(mutex_);
  if (Result<> accepted = accept(path, info); !accepted) return accepted;
  take_blocks(path.question(), info.blocks);
  verdicts_[path.index()] = {.is_decided = true, .access = access, .why = {}};
  changed_.notify_all();
  if (is_open_) publish(path, access);
  return {};
}

// The first path says what the others must be.
Result<> Namespace::accept(Path& path, const NamespaceInfo& info) {
  const auto& identity = path.controller().identity();
  const std::uint32_t most = path.controller().max_transfer_bytes();
  const bool is_first =
      std::ranges::none_of(verdicts_, [](const Verdict& each) { return each.access.has_value(); });
  if (!is_open_ && is_first) {
    info_ = info;
    max_transfer_bytes_ = most;
  }
  if (info.nsid != info_.nsid || !is_same_namespace(info, info_))
    return fail(EINVAL,
                fmt::format("namespace {} is another one there: its identifiers differ", info.nsid.value()));
  if (info.block_bytes != info_.block_bytes || info.metadata_bytes != info_.metadata_bytes)
    return fail(EINVAL, fmt::format("namespace {} has blocks of {} bytes there", info.nsid.value(),
                                    info.block_bytes));
  if (!is_open_) {
    max_transfer_bytes_ = std::min(max_transfer_bytes_, most);
    has_write_cache_ |= (identity.vwc & wire::kVwcPresent) != 0;
    discards_ &= (identity.oncs & wire::kOncsDatasetManagement) != 0;
    return {};
  }
  if (most < max_transfer_bytes_ || path.controller().io_queues() < queues_.size())
    return fail(EINVAL, fmt::format("it takes {} bytes in a command and {} queues there, not {} and {}", most,
                                    path.controller().io_queues(), max_transfer_bytes_, queues_.size()));
  return {};
}

void Namespace::on_path_down(Path& path) {
  const PathState state = path.state();
  const std::scoped_lock lock(mutex_);
  verdicts_[path.index()] = {.is_decided = true, .access = {}, .why = state.why};
  if (is_open_) {
    publish(path, Access::none);
    if (std::ranges::all_of(paths_, &Path::is_gone))
      for (const auto& queue : queues_) post_call(queue->loop(), [its = queue.get()] { its->give_up(); });
  }
  changed_.notify_all();  // the last word: this object may end
}

// Under the lock, so that a later word on a path arrives later.
void Namespace::publish(Path& path, Access access) {
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    Controller& controller = path.controller();
    Queue* const queue = i < controller.io_queues() ? &controller.io_queue(i) : nullptr;
    post_call(queues_[i]->loop(), [to = queues_[i].get(), index = path.index(), queue, access] {
      to->set_path(index, queue, access);
    });
  }
}

void Namespace::doubt(std::size_t path) {
  paths_[path]->doubt();
}

std::vector<PathState> Namespace::paths() const {
  std::vector<PathState> all;
  for (const auto& path : paths_) all.push_back(path->state());
  return all;
}

unsigned Namespace::losses() const {
  unsigned count = 0;
  for (const PathState& each : paths()) count += each.losses;
  return count;
}

bool Namespace::is_gone() const {
  return std::ranges::all_of(paths_, &Path::is_gone);
}

void Namespace::watch(std::function<void(std::uint64_t blocks)> on_blocks) {
  const std::scoped_lock lock(telling_);
  on_blocks_ = std::move(on_blocks);
}

void Namespace::take_blocks(std::uint64_t question, std::uint64_t blocks) {
  const std::scoped_lock lock(telling_);
  if (question < blocks_question_) return;
  blocks_question_ = question;
  if (blocks_.exchange(blocks, std::memory_order_relaxed) != blocks && on_blocks_) on_blocks_(blocks);
}

Result<wire::Cqe> Namespace::io(const wire::Sqe& sqe, std::span<std::byte> data, std::size_t index) {
  IoQueue& queue = io_queue(index);
  return execute(queue.loop(), QueueKind::io, sqe, data, [&](Command& command) { queue.submit(command); });
}

Result<> Namespace::refresh_blocks() {
  for (const auto& path : paths_) {
    if (path->state().kind != PathState::Kind::live) continue;
    wire::IdentifyNamespace page{};
    const std::uint64_t question = number_question();
    Queue& queue = path->controller().admin_queue();
    const auto answered = execute(
        queue.loop(), QueueKind::admin,
        wire::make_identify({.nsid = info_.nsid, .cns = static_cast<std::uint8_t>(wire::IdentifyCns::ns)}),
        wire::writable_bytes_of(page), [&](Command& command) { queue.submit(command); });
    if (!answered) return std::unexpected(answered.error());
    const auto info = parse_namespace(info_.nsid, page);
    if (!info) return std::unexpected(info.error());
    take_blocks(question, info->blocks);
    return {};
  }
  return fail(ENOTCONN, subnqn_ + ": no path to it is live");
}

}  // namespace weft::host
