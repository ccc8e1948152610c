// Named objects that many threads make, find and remove: a lock for each shard, held for a lookup and nothing
// else.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::config {

template <class T>
class ShardedMap {
 public:
  std::shared_ptr<T> find(std::string_view name) const {
    Shard& its = shard(name);
    const std::scoped_lock lock(its.mutex);
    const auto it = its.objects.find(name);
    return it == its.objects.end() ? nullptr : it->second;
  }
  // False: there is one of this name.
  bool insert(const std::string& name, std::shared_ptr<T> object) {
    Shard& its = shard(name);
    const std::scoped_lock lock(its.mutex);
    return its.objects.emplace(name, std::move(object)).second;
  }
  // Only this object; false when it is not there any more.
  bool erase(std::string_view name, const T& object) {
    Shard& its = shard(name);
    const std::scoped_lock lock(its.mutex);
    const auto it = its.objects.find(name);
    if (it == its.objects.end() || it->second.get() != &object) return false;
    its.objects.erase(it);
    return true;
  }
  // By name.
  std::vector<std::shared_ptr<T>> all() const {
    std::map<std::string, std::shared_ptr<T>> sorted;
    for (Shard& each : shards_) {
      const std::scoped_lock lock(each.mutex);
      sorted.insert(each.objects.begin(), each.objects.end());
    }
    std::vector<std::shared_ptr<T>> objects;
    objects.reserve(sorted.size());
    for (auto& [name, object] : sorted) objects.push_back(std::move(object));
    return objects;
  }

 private:
  static constexpr std::size_t kShards = 64;
  struct Shard {
    std::mutex mutex;
    std::map<std::string, std::shared_ptr<T>, std::less<>> objects;
  };
  Shard& shard(std::string_view name) const { return shards_[std::hash<std::string_view>()(name) % kShards]; }
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace weft::config
