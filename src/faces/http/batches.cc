#include "faces/http/batches.h"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <utility>

#include "config/crew.h"
#include "faces/http/batch_step.h"

namespace weft::faces {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostSteps = 8192;
constexpr std::size_t kBatchPlaces = 8;
constexpr std::chrono::milliseconds kBatchPatience{50};

}  // namespace

// Shared with batches whose next answer is still owed.
struct Batches::State {
  explicit State(config::Tree& its_tree) : tree(its_tree) {}

  config::Tree& tree;
  config::Crew crew{kBatchPlaces, kBatchPatience};  // where batches go on: answers come on loops, too
  std::shared_mutex life;                           // shared while a step begins
  bool is_over = false;
  std::mutex mutex;
  std::set<std::string, std::less<>> busy;  // NQNs that have a batch

  bool enter(const std::string& nqn) {
    const std::scoped_lock lock(mutex);
    return busy.insert(nqn).second;
  }
  void leave(const std::string& nqn) {
    const std::scoped_lock lock(mutex);
    busy.erase(nqn);
  }
};

// One batch.  Runs on one thread at a time: the one that began it, then the crew's.
class Batches::Run : public std::enable_shared_from_this<Run> {
 public:
  Run(std::shared_ptr<State> state, std::string nqn, std::vector<Step> steps, Respond respond)
      : state_(std::move(state)),
        nqn_(std::move(nqn)),
        steps_(std::move(steps)),
        respond_(std::move(respond)) {}

  // Steps, until one has no answer yet.
  void advance() {
    const std::shared_lock alive(state_->life);
    if (state_->is_over) return;
    while (true) {
      const Step* const step = next();
      if (step == nullptr) return respond();
      // Whoever comes second goes on: the answer, or this call when it was answered before it returned.
      const auto answered = std::make_shared<std::atomic<bool>>(false);
      perform(state_->tree, *step, [self = shared_from_this(), answered](Result<> result) {
        self->result_ = std::move(result);
        if (answered->exchange(true)) self->state_->crew.run([self] { self->take_and_advance(); });
      });
      if (!answered->exchange(true)) return;
      take_result();
    }
  }

 private:
  void take_and_advance() {
    take_result();
    advance();
  }

  const Step* next() {
    if (!failure_) {
      if (done_ == steps_.size()) return nullptr;
      undo_of_this_ = undo_of(state_->tree, steps_[done_], made_);
      return &steps_[done_];
    }
    while (!undo_.empty() && is_so_already(undo_.back())) undo_.pop_back();
    return undo_.empty() ? nullptr : &undo_.back();
  }

  // What a directory that is made again comes with need not be written; some of it could not be.
  bool is_so_already(const Step& step) const {
    if (step.kind != Step::Kind::set) return false;
    const auto value = state_->tree.read(step.path);
    return value && *value == step.text;
  }

  void take_result() {
    if (failure_) {
      if (!result_) not_undone_.emplace_back(undo_.back(), result_.error());
      undo_.pop_back();
      return;
    }
    const Step& step = steps_[done_];
    const bool was_there = !result_ && step.may_exist && result_.error().code == EEXIST;
    if (!result_ && !was_there) {
      failure_ = std::move(result_.error());
      return;
    }
    if (!was_there) {
      if (step.kind == Step::Kind::mkdir) made_.push_back(step.path);
      // The last of them is the first to be done.
      undo_.insert(undo_.end(), std::make_move_iterator(undo_of_this_.rbegin()),
                   std::make_move_iterator(undo_of_this_.rend()));
    }
    ++done_;
  }

  void respond() {
    state_->leave(nqn_);
    if (!failure_) return respond_({.body = {{"tenant", nqn_}, {"done", steps_.size()}}});
    Reply reply = error_reply(*failure_, steps_[done_].path);
    reply.body["error"]["step"] = done_;
    reply.body["error"]["operation"] = describe(steps_[done_]);
    reply.body["undone"] = not_undone_.empty();
    for (const auto& [step, error] : not_undone_) {
      ordered_json described = describe(step);
      described.update(error_reply(error, step.path).body);
      reply.body["not_undone"].push_back(std::move(described));
    }
    respond_(std::move(reply));
  }

  const std::shared_ptr<State> state_;
  const std::string nqn_;
  const std::vector<Step> steps_;
  Respond respond_;
  Result<> result_;  // of the step under way
  std::size_t done_ = 0;
  std::vector<std::string> made_;
  std::vector<Step> undo_of_this_;
  std::vector<Step> undo_;
  std::optional<Error> failure_;
  std::vector<std::pair<Step, Error>> not_undone_;
};

Batches::Batches(config::Tree& tree) : state_(std::make_shared<State>(tree)) {}
Batches::~Batches() {
  end();
}

void Batches::end() {
  const std::unique_lock lock(state_->life);
  state_->is_over = true;
}

Route Batches::route() {
  const auto handle = [state = state_](const Call& call, Respond respond) {
    std::vector<Step> steps;
    for (const auto& each : call.body["operations"]) steps.push_back(read_step(each));
    if (steps.empty() || steps.size() > kMostSteps)
      return respond(error_reply({EINVAL, fmt::format("a batch has 1 to {} operations", kMostSteps)}, ""));
    const auto nqn = check_steps(state->tree, steps);
    if (!nqn) {
      const std::size_t at = nqn.error().step;
      Reply reply = error_reply(nqn.error().error, steps[at].path);
      reply.body["error"]["step"] = at;
      reply.body["error"]["operation"] = describe(steps[at]);
      reply.body["undone"] = true;
      return respond(std::move(reply));
    }
    if (!state->enter(*nqn))
      return respond(
          error_reply({EBUSY, fmt::format("{}: another batch changes it; try again", *nqn)}, *nqn));
    std::make_shared<Run>(state, *nqn, std::move(steps), std::move(respond))->advance();
  };
  return {.method = "POST",
          .pattern = "/v1/batch",
          .summary = "Change one tenant, a subsystem and the devices that it links: all of it or nothing",
          .parameters = {{.name = "operations",
                          .in = In::body,
                          .type = Type::list,
                          .help = "done in this order; when one is refused, those before it are taken back",
                          .required = true,
                          .fields = step_fields()}},
          .handle = handle};
}

}  // namespace weft::faces
