#include "daemon/health.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/call.h"
#include "daemon/notify.h"

namespace weft::daemon {

namespace {

constexpr std::size_t kMostLines = 8;  // of overdue commands in one look

std::string line_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// "R", "D", ...: what proc(5) says of a thread, behind its name in parentheses.
char state_in(const std::string& stat) {
  const auto end = stat.rfind(')');
  return end != std::string::npos && end + 2 < stat.size() ? stat[end + 2] : '?';
}

std::string subject_of(const target::Overdue& one) {
  if (one.hostnqn.empty()) return "host at " + one.peer;
  return fmt::format("{}: host {}", one.subnqn, one.hostnqn);
}

std::string text_of(const target::Overdue& one) {
  return fmt::format("{} command{} wait{} {}{}{}; the oldest, {} from {}, for {:.0f} s", one.commands,
                     one.commands == 1 ? "" : "s", one.commands == 1 ? "s" : "", one.place,
                     one.backend.empty() ? "" : " ", one.backend, one.oldest, one.peer, seconds(one.time));
}

}  // namespace

struct Health::Answers {
  struct OfReactor {
    Clock::time_point asked;
    bool is_waiting = false;
    pid_t thread = 0;
    std::vector<target::Overdue> overdue;
  };
  std::mutex mutex;
  std::vector<OfReactor> reactors;
};

Health::Health(target::Target& target, config::Journal& journal, const HealthOptions& options)
    : target_(target),
      journal_(journal),
      options_(options),
      answers_(std::make_shared<Answers>()),
      told_silent_(target.loops().all().size()) {
  answers_->reactors.resize(told_silent_.size());
  state_.silent.resize(told_silent_.size());
  for (std::size_t i = 0; i < told_silent_.size(); ++i) look_at(i);
  thread_ = std::thread([this] { run(); });
}

Health::~Health() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

HealthState Health::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

void Health::run() {
  // Twice in the time that it allows.
  const auto watchdog = watchdog_time();
  const Duration pause = watchdog ? std::min(options_.look, *watchdog / 2) : options_.look;
  std::unique_lock lock(mutex_);
  while (!ended_) {
    lock.unlock();
    look();
    lock.lock();
    const bool all_come_round =
        std::ranges::none_of(state_.silent, [](const auto& each) { return each.has_value(); });
    if (watchdog && all_come_round) notify_alive();
    changed_.wait_for(lock, pause, [this] { return ended_; });
  }
}

void Health::look() {
  for (std::size_t i = 0; i < told_silent_.size(); ++i) look_at(i);
  std::vector<target::Overdue> all;
  {
    const std::scoped_lock lock(answers_->mutex);
    for (const auto& each : answers_->reactors)
      all.insert(all.end(), each.overdue.begin(), each.overdue.end());
  }
  tell_overdue(all);
  const std::scoped_lock lock(mutex_);
  state_.overdue = std::move(all);
}

// Asks again when it has answered.
void Health::look_at(std::size_t reactor) {
  std::optional<Duration> silent;
  {
    const std::scoped_lock lock(answers_->mutex);
    auto& its = answers_->reactors[reactor];
    if (its.is_waiting) silent = Clock::now() - its.asked;
    if (silent && *silent < options_.silence) silent.reset();
    if (!std::exchange(its.is_waiting, true)) {
      its.asked = Clock::now();
      ask(reactor);
    }
  }
  const std::string name = fmt::format("reactor {}", reactor);
  if (silent && !told_silent_[reactor])
    journal_.problem(name, fmt::format("it has not come round for {:.0f} s, and whom it carries waits: {}",
                                       seconds(*silent), where_it_is(reactor)));
  if (!silent && told_silent_[reactor]) journal_.note(name, "it comes round again");
  told_silent_[reactor] = silent.has_value();
  const std::scoped_lock lock(mutex_);
  state_.silent[reactor] = silent;
}

void Health::ask(std::size_t reactor) {
  target::LoopState& loop_state = target_.state(static_cast<unsigned>(reactor));
  post_call(loop_state.loop(), [&loop_state, reactor, limit = options_.overdue, answers = answers_] {
    auto overdue = target::find_overdue(loop_state, limit);
    const std::scoped_lock lock(answers->mutex);
    auto& its = answers->reactors[reactor];
    its.is_waiting = false;
    its.thread = ::gettid();
    its.overdue = std::move(overdue);
  });
}

// Its thread, as the kernel sees it.
std::string Health::where_it_is(std::size_t reactor) const {
  pid_t thread = 0;
  {
    const std::scoped_lock lock(answers_->mutex);
    thread = answers_->reactors[reactor].thread;
  }
  if (thread == 0) return "it never has";
  const auto directory = std::filesystem::path("/proc/self/task") / fmt::to_string(thread);
  const std::string wait = line_of(directory / "wchan");
  return fmt::format("its thread {} is in state {}{}", thread, state_in(line_of(directory / "stat")),
                     wait.empty() || wait == "0" ? "" : ", in the kernel's " + wait);
}

void Health::tell_overdue(const std::vector<target::Overdue>& all) {
  for (Told& told : told_) told.is_there = false;
  std::size_t lines = 0;
  for (const target::Overdue& one : all) {
    const auto known =
        std::ranges::find_if(told_, [&](const Told& told) { return told.last.is_of_same(one); });
    if (known != told_.end()) {
      *known = {.last = one};
      continue;
    }
    told_.push_back({.last = one});
    if (++lines <= kMostLines) journal_.problem(subject_of(one), text_of(one));
  }
  if (lines > kMostLines)
    journal_.problem("overdue", fmt::format("{} more of this kind: weft status", lines - kMostLines));
  std::erase_if(told_, [this](const Told& told) {
    if (!told.is_there)
      journal_.note(subject_of(told.last), fmt::format("nothing waits {} any more, after {:.0f} s",
                                                       told.last.place, seconds(told.last.time)));
    return !told.is_there;
  });
}

}  // namespace weft::daemon
