#include "target/shutdown_flush.h"

#include <set>

#include "target/controller.h"
#include "target/queue.h"
#include "target/target.h"

namespace weft::target {

void ShutdownFlush::start(std::shared_ptr<Controller> controller, Queue& admin_queue) {
  LoopState& state = admin_queue.target().state(admin_queue.loop());
  SubsystemView& view = state.use(controller->subsystem().shared_from_this());
  auto* flush =
      new ShutdownFlush(std::move(controller), state, view);  // owned by itself until the last has ended
  std::set<const block::Backend*> seen;
  for (const auto& ns : view.namespaces()) {
    if (ns->info().read_only || !seen.insert(ns->info().backend.get()).second) continue;
    Item& item = flush->items_.emplace_back();
    item.op = block::Op::flush;
    item.done = &ShutdownFlush::flushed;
    item.owner = flush;
    item.ns = ns.get();
    ns->enter();
    ++flush->left_;
  }
  for (Item& item : flush->items_) item.ns->channel().submit(item);
  flush->one_less();
}

void ShutdownFlush::flushed(block::Request& request) noexcept {
  auto& item = static_cast<Item&>(request);
  item.owner->ok_ = item.owner->ok_ && item.error == 0;
  item.ns->count(item);
  item.ns->leave();
  item.owner->one_less();
}

void ShutdownFlush::one_less() {
  if (--left_ > 0) return;
  state_.release(view_);
  controller_->shutdown_finished(ok_);
  delete this;
}

}  // namespace weft::target
