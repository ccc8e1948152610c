// The hosts that the kernel layout shows: those that were made there, and those that a subsystem lists.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/store.h"

namespace weft::config {

// Any thread.  Its lock is held for a lookup and nothing else.
class HostSet {
 public:
  explicit HostSet(Store& store) : store_(store) {}  // which outlives it; keeps those that were made

  Result<> make(const std::string& nqn);  // EEXIST, EINVAL
  Result<> remove(std::string_view nqn);  // ENOENT; EBUSY: a subsystem lists it
  bool contains(std::string_view nqn) const;
  std::vector<std::string> names() const;

  // Those that were made there, listed or not; whether one is among them, by documents.
  std::set<std::string> made() const;
  void set_made(const std::string& nqn, bool is_made);

  // One more subsystem lists it, or one less.
  void listed(const std::string& nqn);
  void unlisted(std::string_view nqn);

 private:
  struct Host {
    bool is_made = false;
    std::size_t lists = 0;
  };
  Store& store_;
  mutable std::mutex mutex_;
  std::map<std::string, Host, std::less<>> hosts_;
};

}  // namespace weft::config
