// What the transport keeps for each loop, and what its parts share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/slab.h"
#include "fabric/fabric.h"
#include "transports/loop/command.h"
#include "transports/loop/target_end.h"

namespace weft::loop {

// Where connections go: a listener.  Any thread; lives until the listener and its connections ended.
struct Origin {
  explicit Origin(fabric::Acceptor& where) : acceptor(where) {}
  fabric::Acceptor& acceptor;  // only while not closed, or once it has accepted
  std::atomic<bool> closed{false};
};

// Belongs to its loop.
struct Home {
  explicit Home(Loop& on) : loop(on) {}
  Loop& loop;
  Slab<LoopCommand> commands;  // of hosts on this loop
  List<TargetEnd> ends;        // of targets on this loop
};

// Of the whole transport.  Any thread.
struct Shared {
  explicit Shared(Loops& all) : loops(all) {
    for (Loop* loop : all.all()) homes.push_back(std::make_unique<Home>(*loop));
  }
  std::shared_ptr<Origin> listening() const {
    const std::scoped_lock lock(mutex);
    return origin;
  }

  Loops& loops;
  std::vector<std::unique_ptr<Home>> homes;  // by the loop's index
  std::atomic<std::uint32_t> connections{0};
  mutable std::mutex mutex;
  std::shared_ptr<Origin> origin;  // null: nobody listens
};

}  // namespace weft::loop
