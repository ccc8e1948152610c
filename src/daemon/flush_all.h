// Making durable what backends have acknowledged, before the process ends.
#pragma once

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

// Waits until each has answered, or none of them for `patience`.  Not on a loop.  Read-only ones and those
// without a volatile cache are left out.
FlushOutcome flush_all(Loops& loops, const std::vector<std::shared_ptr<block::Backend>>& backends,
                       Duration patience);

}  // namespace weft::daemon
