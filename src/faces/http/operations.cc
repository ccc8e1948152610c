#include "faces/http/operations.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

namespace weft::faces {

namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

}  // namespace

struct Operations::State {
  const OperationLimits limits;
  // In front of the numbers: those of an earlier daemon are not found in this one.
  const std::uint64_t start =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::mutex mutex;
  std::uint64_t last = 0;
  std::size_t going_on = 0;
  std::map<std::string, std::shared_ptr<Operation>, std::less<>> kept;  // the oldest first

  explicit State(OperationLimits its_limits) : limits(its_limits) {}
  void forget_finished();  // the mutex is held
};

// What has ended goes after a while, and the oldest when there are many; what goes on stays.
void Operations::State::forget_finished() {
  const auto now = Clock::now();
  std::size_t finished = 0;
  for (auto it = kept.rbegin(); it != kept.rend();) {
    const Operation& each = *it->second;
    const bool goes =
        each.is_finished() && (++finished > limits.finished || now - each.finished_ > limits.memory);
    if (goes)
      it = std::make_reverse_iterator(kept.erase(std::next(it).base()));
    else
      ++it;
  }
}

Operations::Operation::Operation(std::shared_ptr<State> state, std::string id, std::string request,
                                 bool changes)
    : state_(std::move(state)), id_(std::move(id)), request_(std::move(request)), changes_(changes) {}

Operations::Operation::~Operation() {
  if (!changes_ || reply_) return;
  const std::scoped_lock lock(state_->mutex);
  --state_->going_on;
}

void Operations::Operation::finish(Reply reply) {
  if (changes_) {
    const std::scoped_lock lock(state_->mutex);
    --state_->going_on;
  }
  const std::scoped_lock lock(mutex_);
  reply_ = std::move(reply);
  finished_ = Clock::now();
  done_.notify_all();
}

bool Operations::Operation::wait(Duration patience) {
  std::unique_lock lock(mutex_);
  return done_.wait_for(lock, patience, [this] { return reply_.has_value(); });
}

bool Operations::Operation::is_finished() const {
  const std::scoped_lock lock(mutex_);
  return reply_.has_value();
}

ordered_json Operations::Operation::describe() const {
  const std::scoped_lock lock(mutex_);
  const std::chrono::duration<double> time = (reply_ ? finished_ : Clock::now()) - since_;
  ordered_json described = {
      {"id", id_}, {"request", request_}, {"seconds", time.count()}, {"done", reply_.has_value()}};
  if (reply_) {
    described["status"] = reply_->status;
    described["result"] = reply_->body;
  }
  return described;
}

Operations::Operations(OperationLimits limits) : state_(std::make_shared<State>(limits)) {}

// What goes on holds the state, and the state what is kept.
Operations::~Operations() {
  decltype(state_->kept) kept;
  const std::scoped_lock lock(state_->mutex);
  kept.swap(state_->kept);
}

Result<std::shared_ptr<Operations::Operation>> Operations::begin(std::string request, bool changes) {
  std::string id;
  {
    const std::scoped_lock lock(state_->mutex);
    if (changes && state_->going_on >= state_->limits.going_on)
      return fail(EAGAIN,
                  fmt::format("{} changes go on already, which is the most; /v1/operations lists them",
                              state_->going_on));
    if (changes) ++state_->going_on;
    // In the order of their beginning.
    id = fmt::format("{:x}-{:010}", state_->start, ++state_->last);
  }
  return std::make_shared<Operation>(state_, std::move(id), std::move(request), changes);
}

Reply Operations::await(const std::shared_ptr<Operation>& operation, Duration patience) {
  if (operation->wait(patience)) return std::move(*operation->reply_);
  {
    const std::scoped_lock lock(state_->mutex);
    state_->kept.emplace(operation->id_, operation);
    state_->forget_finished();
  }
  ordered_json body = operation->describe();
  body["href"] = "/v1/operations/" + operation->id_;
  return {.status = 202, .body = std::move(body)};
}

Reply Operations::find(std::string_view id) {
  const std::scoped_lock lock(state_->mutex);
  state_->forget_finished();
  const auto found = state_->kept.find(id);
  if (found != state_->kept.end()) return {.body = found->second->describe()};
  return error_reply({ENOENT, fmt::format("operation {}: there is none, or it ended long ago", id)}, id);
}

Reply Operations::list() {
  ordered_json all = ordered_json::array();
  const std::scoped_lock lock(state_->mutex);
  state_->forget_finished();
  for (const auto& [id, operation] : state_->kept) {
    ordered_json described = operation->describe();
    described.erase("result");
    all.push_back(std::move(described));
  }
  return {.body = {{"operations", std::move(all)}}};
}

}  // namespace weft::faces
