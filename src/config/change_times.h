// When what the tree shows changed last: objects and the directories that they stand in, by the paths of
// their rows (document_rows.h), so that both layouts show the same.  Times are not kept over a restart.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace weft::config {

// Any thread.  A lock for each tenant, device and kernel port, or as good as that, held for a lookup.
class ChangeTimes {
 public:
  using Time = std::chrono::system_clock::time_point;
  using Clock = std::function<Time()>;
  explicit ChangeTimes(Clock now = std::chrono::system_clock::now) : now_(std::move(now)), start_(now_()) {}

  // The object was made, which its directory shows as well, or changed.  What is kept at the top has no
  // directory that it came into.
  void put(std::string_view row);
  // It has gone with all that was below it.  Of paths of three names and more.
  void erase(std::string_view row);
  // A name in this directory came or went, or became another.
  void touch(std::string_view directory);

  // Of the object that the path belongs to; the start, when nothing is known of one.
  Time changed(std::string_view path) const;
  // Of the names in a directory, or of when the object was made that it belongs to.
  Time names_changed(std::string_view path) const;

 private:
  struct Times {
    Time names{};
    Time object{};  // none: a directory that is there with its object
  };
  struct Shard {
    mutable std::mutex mutex;
    std::map<std::string, Times, std::less<>> times;
  };
  // By the first three names of a path: what is below them is there too.
  Shard& shard(std::string_view path) const;
  Times at(std::string_view path) const;
  Time nearest(std::string_view path, Time (*of)(const Times&)) const;

  const Clock now_;
  const Time start_;
  mutable std::array<Shard, 64> shards_;
};

}  // namespace weft::config
