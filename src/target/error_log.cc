#include "target/error_log.h"

#include <algorithm>

namespace weft::target {

void ErrorLog::add(Entry entry) {
  const std::lock_guard lock(mutex_);
  entry.count = ++total_;
  ring_[(total_ - 1) % kEntries] = entry;
}

std::vector<ErrorLog::Entry> ErrorLog::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> newest_first;
  const std::uint64_t kept = std::min<std::uint64_t>(total_, kEntries);
  newest_first.reserve(kept);
  for (std::uint64_t back = 0; back < kept; ++back)
    newest_first.push_back(ring_[(total_ - 1 - back) % kEntries]);
  return newest_first;
}

std::uint64_t ErrorLog::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

}  // namespace weft::target
