#include "target/port.h"

#include "target/queue.h"
#include "target/target.h"

namespace weft::target {

void Port::list_all(bool all) {
  lists_all_.store(all, std::memory_order_relaxed);
  target_.discovery_changed();
}

void Port::link(std::shared_ptr<Subsystem> subsystem) {
  {
    const std::scoped_lock lock(mutex_);
    std::string nqn = subsystem->nqn();
    subsystems_.insert_or_assign(std::move(nqn), std::move(subsystem));
  }
  target_.discovery_changed();
}

void Port::unlink(const Subsystem& subsystem) {
  {
    const std::scoped_lock lock(mutex_);
    const auto it = subsystems_.find(subsystem.nqn());
    if (it == subsystems_.end() || it->second.get() != &subsystem) return;
    subsystems_.erase(it);
  }
  target_.discovery_changed();
}

std::shared_ptr<Subsystem> Port::find(std::string_view nqn) const {
  if (target_.is_discovery(nqn)) return target_.discovery();
  const std::scoped_lock lock(mutex_);
  const auto it = subsystems_.find(nqn);
  return it == subsystems_.end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<Subsystem>> Port::subsystems() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<Subsystem>> all;
  for (const auto& [nqn, subsystem] : subsystems_) all.push_back(subsystem);
  return all;
}

fabric::Queue& Port::accept(fabric::Connection& connection) {
  return *new Queue(*this, connection);  // owned by itself until the connection has ended
}

}  // namespace weft::target
