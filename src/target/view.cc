#include "target/view.h"

#include "base/check.h"
#include "base/planted.h"
#include "base/reached.h"
#include "target/queue.h"
#include "target/request.h"
#include "target/subsystem.h"

namespace weft::target {

Pin make_pin(std::move_only_function<void()> done) {
  struct Holder {
    explicit Holder(std::move_only_function<void()> function) : done(std::move(function)) {}
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() {
      if (done) done();
    }
    std::move_only_function<void()> done;
  };
  return std::make_shared<Holder>(std::move(done));
}

void NamespaceView::leave() {
  WEFT_CHECK(inside_ > 0);
  if (--inside_ == 0 && leaving_) view_.drop(*this);
}

SubsystemView::SubsystemView(Loop& loop, std::shared_ptr<Subsystem> subsystem,
                             std::shared_ptr<const Snapshot> snapshot)
    : loop_(loop), subsystem_(std::move(subsystem)), snapshot_(std::move(snapshot)) {
  for (const auto& info : snapshot_->namespaces)
    live_.push_back(std::make_unique<NamespaceView>(loop_, *this, info, nullptr));
}

SubsystemView::~SubsystemView() {
  WEFT_CHECK(leaving_.empty(), "a view ends after the last command in it");
  for (const auto& ns : live_) WEFT_CHECK(ns->inside_ == 0);
}

void SubsystemView::apply(std::shared_ptr<const Snapshot> snapshot, const Pin& pin) {
  if (snapshot->generation <= snapshot_->generation) {
    WEFT_REACHED("target.older_snapshot_came_later");
    // A newer one came first and took away what this one does; what still drains keeps the pin.
    for (Leaving& leaving : leaving_) leaving.pins.push_back(pin);
    return;
  }
  if (planted(Bug::stale_ana) && snapshot->ana_changes != snapshot_->ana_changes) return;
  snapshot_ = std::move(snapshot);
  std::vector<std::unique_ptr<NamespaceView>> before;
  before.swap(live_);
  live_.reserve(snapshot_->namespaces.size());
  auto old = before.begin();
  for (const auto& info : snapshot_->namespaces) {  // both by ascending nsid
    while (old != before.end() && (*old)->info_->nsid < info->nsid) ++old;
    const bool is_old = old != before.end() && (*old)->info_->nsid == info->nsid;
    std::unique_ptr<NamespaceView> none;
    live_.push_back(successor(is_old ? *old : none, info));
    if (is_old) ++old;
  }
  for (auto& gone : before) {
    if (!gone || gone->inside_ == 0) continue;
    gone->leaving_ = true;
    leaving_.push_back(Leaving{{}, std::move(gone)});
  }
  if (planted(Bug::undrained_namespace)) return;
  for (Leaving& leaving : leaving_) leaving.pins.push_back(pin);
}

std::unique_ptr<NamespaceView> SubsystemView::successor(std::unique_ptr<NamespaceView>& old,
                                                        std::shared_ptr<const NamespaceInfo> info) {
  const bool is_same = old != nullptr && old->info_->backend == info->backend;
  if (is_same && (old->info_->admission == info->admission || old->inside_ == 0)) {
    old->info_ = std::move(info);
    return std::move(old);
  }
  return std::make_unique<NamespaceView>(loop_, *this, std::move(info), is_same ? old->channel_ : nullptr);
}

void SubsystemView::drop(NamespaceView& ns) {
  for (auto it = leaving_.begin(); it != leaving_.end(); ++it) {
    if (it->view.get() != &ns) continue;
    const Leaving gone = std::move(*it);  // the pins go after the channel
    leaving_.erase(it);
    return;
  }
}

LoopState::LoopState(Loop& loop) : loop_(loop), requests_(std::make_unique<Slab<Request>>()) {}
LoopState::~LoopState() = default;

SubsystemView& LoopState::use(const std::shared_ptr<Subsystem>& subsystem) {
  auto& view = views_[subsystem.get()];
  if (!view) view = std::make_unique<SubsystemView>(loop_, subsystem, subsystem->attach_loop(loop_.index()));
  ++view->users_;
  return *view;
}

void LoopState::release(SubsystemView& view) {
  WEFT_CHECK(view.users_ > 0);
  if (--view.users_ > 0) return;
  const std::shared_ptr<Subsystem> subsystem = view.subsystem_ptr();
  subsystem->detach_loop(loop_.index());
  views_.erase(subsystem.get());
}

void LoopState::apply(Subsystem& subsystem, std::shared_ptr<const Snapshot> snapshot, const Pin& pin) {
  const auto it = views_.find(&subsystem);
  if (it != views_.end()) it->second->apply(std::move(snapshot), pin);
}

}  // namespace weft::target
