#include "config/strands.h"

#include <utility>

namespace weft::config {

void Strands::run(const std::string& key, Crew::Job job) {
  {
    const std::scoped_lock lock(state_->mutex);
    const auto [it, is_idle] = state_->jobs.try_emplace(key);
    it->second.push_back(std::move(job));
    if (!is_idle) return;
  }
  crew_.run([state = state_, key] { work(*state, key); });
}

void Strands::work(State& state, const std::string& key) {
  std::unique_lock lock(state.mutex);
  for (auto& jobs = state.jobs.at(key); !jobs.empty();) {
    auto job = std::move(jobs.front());
    jobs.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  state.jobs.erase(key);
}

}  // namespace weft::config
