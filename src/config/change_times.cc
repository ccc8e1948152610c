#include "config/change_times.h"

namespace weft::config {

namespace {

constexpr std::string_view kNowhere;

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? kNowhere : path.substr(0, slash);
}

bool is_at_the_top(std::string_view path) {
  return path.find('/') == std::string_view::npos;
}

}  // namespace

ChangeTimes::Shard& ChangeTimes::shard(std::string_view path) const {
  std::size_t end = 0;
  for (int names = 0; names < 3 && end != std::string_view::npos; ++names)
    end = path.find('/', end == 0 ? 0 : end + 1);
  return shards_[std::hash<std::string_view>()(path.substr(0, end)) % shards_.size()];
}

void ChangeTimes::put(std::string_view row) {
  bool is_new = false;
  const Time now = now_();
  {
    Shard& its = shard(row);
    const std::scoped_lock lock(its.mutex);
    Times& times = its.times.try_emplace(std::string(row)).first->second;
    is_new = times.object == Time() && !is_at_the_top(row);
    times.object = now;
    if (is_new) times.names = now;
  }
  if (is_new) touch(parent_of(row));
}

void ChangeTimes::erase(std::string_view row) {
  bool was_there = false;
  {
    Shard& its = shard(row);
    const std::scoped_lock lock(its.mutex);
    const std::string below = std::string(row) + '/';
    auto it = its.times.lower_bound(below);
    while (it != its.times.end() && it->first.starts_with(below)) it = its.times.erase(it);
    if (const auto own = its.times.find(row); own != its.times.end()) {
      its.times.erase(own);
      was_there = true;
    }
  }
  if (was_there) touch(parent_of(row));
}

void ChangeTimes::touch(std::string_view directory) {
  const Time now = now_();
  Shard& its = shard(directory);
  const std::scoped_lock lock(its.mutex);
  its.times.try_emplace(std::string(directory)).first->second.names = now;
}

ChangeTimes::Times ChangeTimes::at(std::string_view path) const {
  const Shard& its = shard(path);
  const std::scoped_lock lock(its.mutex);
  const auto it = its.times.find(path);
  return it == its.times.end() ? Times() : it->second;
}

ChangeTimes::Time ChangeTimes::nearest(std::string_view path, Time (*of)(const Times&)) const {
  for (;; path = parent_of(path)) {
    if (const Time time = of(at(path)); time != Time()) return time;
    if (path.empty()) return start_;
  }
}

ChangeTimes::Time ChangeTimes::changed(std::string_view path) const {
  return nearest(path, [](const Times& its) { return its.object; });
}

ChangeTimes::Time ChangeTimes::names_changed(std::string_view path) const {
  if (const Time own = at(path).names; own != Time()) return own;
  return nearest(path, [](const Times& its) { return its.object == Time() ? Time() : its.names; });
}

}  // namespace weft::config
