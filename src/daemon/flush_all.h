// Making durable what backends have acknowledged, before the process ends.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "block/backend.h"

namespace weft::daemon {

struct FlushOutcome {
  std::vector<std::string> failed;   // "name: reason"
  std::vector<std::string> hanging;  // names; their channels stay in memory with their loops
};

// All at once; waits until each has answered, or none of them for `patience`: thousands on a slow disk take
// their time.  Tells about once a second how many are left.  Not on a loop.  Read-only ones and those without
// a volatile cache are left out.
FlushOutcome flush_all(Loops& loops, const std::vector<std::shared_ptr<block::Backend>>& backends,
                       Duration patience, std::move_only_function<void(std::size_t left)> tell);

}  // namespace weft::daemon
