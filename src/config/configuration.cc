#include "config/configuration.h"

#include <algorithm>
#include <cerrno>
#include <future>
#include <utility>

#include "base/control_thread.h"
#include "base/reached.h"
#include "config/countdown.h"

namespace weft::config {

namespace {

// The row of what a configuration file said, beside those of the objects.
constexpr const char* kFileRow = "file";
constexpr std::chrono::milliseconds kPredecessorPause{10};

}  // namespace

Configuration::Configuration(Parts parts, Patience patience)
    : parts_(parts), patience_(patience), model_(parts) {
  sweeper_ = std::thread([this] {
    become_control_thread("weft-sweeper");
    sweep();
  });
}

Configuration::~Configuration() {
  model_.workshop()->end();
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  sweeper_.join();
}

std::vector<Problem> Configuration::change(const Document& before, const Document& next) {
  auto problems = Change(model_, patience_, before, next).run();
  tell(problems);
  refresh();
  return problems;
}

void Configuration::tell(const std::vector<Problem>& problems) {
  for (const auto& problem : problems) parts_.journal.problem(problem.path, problem.reason);
}

std::size_t Configuration::apply(const Document& next) {
  const auto problems = change(applied_, next);
  applied_ = next;
  parts_.store.put(kFileRow, write_document(next));
  return problems.size();
}

std::size_t Configuration::load(Rows rows) {
  if (auto file = rows.extract(kFileRow))
    if (auto parsed = parse_document(file.mapped())) applied_ = std::move(parsed->document);
  auto parsed = read_rows(rows);
  for (auto& problem : parsed.problems) problem.reason += "; it is left in the store as it is";
  const auto is_held = [](const Problem& each) { return each.code == EBUSY || each.code == EADDRINUSE; };
  const auto end = std::chrono::steady_clock::now() + patience_.predecessor;
  auto problems = Change(model_, patience_, {}, parsed.document).run();
  while (std::ranges::any_of(problems, is_held) && std::chrono::steady_clock::now() < end) {
    WEFT_REACHED("config.predecessor_holds_something");
    std::this_thread::sleep_for(kPredecessorPause);
    problems = Change(model_, patience_, {}, parsed.document).run();
  }
  problems.insert(problems.begin(), parsed.problems.begin(), parsed.problems.end());
  tell(problems);
  refresh();
  return problems.size();
}

std::optional<Document> Configuration::save(const std::string& nqn) const {
  return nqn.empty() ? std::optional(model_.document()) : model_.document_of(nqn);
}

Restored Configuration::restore(const Document& document) {
  return restored(change(model_.document(), document));
}

Restored Configuration::restore_tenants(const Document& document) {
  Document before;
  for (const auto& [nqn, entry] : document.subsystems)
    if (const auto tenant = model_.find_subsystem(nqn)) before.subsystems.emplace(nqn, tenant->entry());
  return restored(change(before, document));
}

Restored Configuration::restored(std::vector<Problem> problems) {
  std::promise<Result<>> kept;
  auto future = kept.get_future();
  parts_.store.when_durable([&kept](Result<> result) { kept.set_value(std::move(result)); });
  return {.problems = std::move(problems), .kept = future.get()};
}

void Configuration::refresh() {
  for (const auto& device : model_.devices()) device->refresh();
}

void Configuration::sweep() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, patience_.sweep, [this] { return ending_; })) {
    lock.unlock();
    refresh();
    lock.lock();
  }
}

std::vector<std::shared_ptr<block::Backend>> Configuration::backends() const {
  std::vector<std::shared_ptr<block::Backend>> all;
  for (const auto& device : model_.devices())
    if (auto backend = device->backend()) all.push_back(std::move(backend));
  return all;
}

std::vector<std::string> Configuration::opening() const {
  std::vector<std::string> names;
  for (const auto& device : model_.devices())
    if (device->state() == Device::State::opening) names.push_back(device->name());
  return names;
}

bool Configuration::close(Duration patience) {
  close_listeners();
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  Countdown removals;
  bool clean = true;
  for (const auto& tenant : model_.subsystems())
    clean = model_.remove_subsystem(tenant->nqn(), removals.one_more()).has_value() && clean;
  (void)model_.discovery_ports().begin_end();
  model_.discovery_ports().end();
  for (const auto& device : model_.devices())
    clean = model_.remove_device(device->name(), [] {}).has_value() && clean;
  Workshop& shop = *model_.workshop();
  return removals.wait(patience) && shop.workers.wait_idle(patience) && shop.openers.wait_idle(patience) &&
         shop.refreshers.wait_idle(patience) && shop.keeper.wait_until_open(0, patience) && clean;
}

}  // namespace weft::config
