// A subsystem as one loop sees it: the snapshot in force here, and an open channel to each backend in use.
// Made by the first queue that needs it, gone with the last.  Everything here belongs to that loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/slab.h"
#include "block/backend.h"
#include "target/snapshot.h"

namespace weft::target {

class Subsystem;
class SubsystemView;
struct Request;
class Queue;

// Whoever still has to move on from an old state holds a copy; the last one to let go calls what waits for
// it.
using Pin = std::shared_ptr<void>;
Pin make_pin(std::move_only_function<void()> done);  // done runs once, on any thread, and must not block

class NamespaceView {
 public:
  NamespaceView(Loop& loop, SubsystemView& view, std::shared_ptr<const NamespaceInfo> info,
                std::shared_ptr<block::Channel> channel)
      : loop_(loop),
        view_(view),
        info_(std::move(info)),
        channel_(std::move(channel)),
        counters_(info_->backend->counters(loop)) {}

  const NamespaceInfo& info() const { return *info_; }
  block::Channel& channel() {
    if (!channel_) channel_ = info_->backend->open_channel(loop_);
    return *channel_;
  }
  block::Fence& fence() { return info_->backend->fence(); }
  void count(const block::Request& answered) { counters_.count(answered, info_->geometry.block_bytes); }

  // A command is in the namespace from its admission to its end.
  void enter() { ++inside_; }
  void leave();

 private:
  friend class SubsystemView;
  Loop& loop_;
  SubsystemView& view_;
  std::shared_ptr<const NamespaceInfo> info_;
  std::shared_ptr<block::Channel> channel_;  // with those that it replaces and that still drain
  block::LoopCounters& counters_;            // of the backend, which stays the same
  std::uint32_t inside_ = 0;
  bool leaving_ = false;
};

class SubsystemView {
 public:
  SubsystemView(Loop& loop, std::shared_ptr<Subsystem> subsystem, std::shared_ptr<const Snapshot> snapshot);
  ~SubsystemView();
  SubsystemView(const SubsystemView&) = delete;
  SubsystemView& operator=(const SubsystemView&) = delete;

  Subsystem& subsystem() { return *subsystem_; }
  const std::shared_ptr<Subsystem>& subsystem_ptr() const { return subsystem_; }
  const Snapshot& snapshot() const { return *snapshot_; }
  NamespaceView* find(Nsid nsid) {
    const auto it = std::lower_bound(live_.begin(), live_.end(), nsid,
                                     [](const auto& ns, Nsid id) { return ns->info_->nsid < id; });
    return it != live_.end() && (*it)->info_->nsid == nsid ? it->get() : nullptr;
  }
  const std::vector<std::unique_ptr<NamespaceView>>& namespaces() const { return live_; }

  void apply(std::shared_ptr<const Snapshot> snapshot, const Pin& pin);

 private:
  friend class NamespaceView;
  friend class LoopState;
  struct Leaving {
    std::vector<Pin> pins;  // first, so that they go after the view with its channel
    std::unique_ptr<NamespaceView> view;
  };
  // The view of a namespace from now on; takes the old one when it may stay.
  std::unique_ptr<NamespaceView> successor(std::unique_ptr<NamespaceView>& old,
                                           std::shared_ptr<const NamespaceInfo> info);
  void drop(NamespaceView& ns);  // leaving, and nobody is inside any more

  Loop& loop_;
  std::shared_ptr<Subsystem> subsystem_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<std::unique_ptr<NamespaceView>> live_;  // by nsid
  std::vector<Leaving> leaving_;
  std::uint32_t users_ = 0;  // queues
};

// The target's state on one loop.
class LoopState {
 public:
  explicit LoopState(Loop& loop);
  ~LoopState();
  LoopState(const LoopState&) = delete;
  LoopState& operator=(const LoopState&) = delete;
  Loop& loop() { return loop_; }

  SubsystemView& use(const std::shared_ptr<Subsystem>& subsystem);
  void release(SubsystemView& view);
  void apply(Subsystem& subsystem, std::shared_ptr<const Snapshot> snapshot, const Pin& pin);

  Slab<Request>& requests() { return *requests_; }
  List<Queue>& queues() { return queues_; }  // all of this loop

 private:
  friend class Target;
  Loop& loop_;
  std::unordered_map<Subsystem*, std::unique_ptr<SubsystemView>> views_;
  std::unique_ptr<Slab<Request>> requests_;  // made where Request is complete
  List<Queue> queues_;
};

}  // namespace weft::target
