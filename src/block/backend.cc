#include "block/backend.h"

namespace weft::block {

LoopCounters& Backend::counters(const Loop& loop) {
  const std::scoped_lock lock(counters_mutex_);
  if (counters_.size() <= loop.index()) counters_.resize(loop.index() + 1);
  auto& counters = counters_[loop.index()];
  if (counters == nullptr) counters = std::make_unique<LoopCounters>();
  return *counters;
}

IoTotals Backend::totals() const {
  const std::scoped_lock lock(counters_mutex_);
  IoTotals sum;
  for (const auto& counters : counters_)
    if (counters != nullptr) counters->add_to(sum);
  return sum;
}

void Backend::add_observer(BackendObserver& observer) {
  const std::scoped_lock lock(observers_mutex_);
  observers_.push_back(observer);
}

void Backend::remove_observer(BackendObserver& observer) {
  const std::scoped_lock lock(observers_mutex_);
  observers_.erase(observers_.iterator_to(observer));
}

void Backend::notify_geometry_changed() {
  const std::scoped_lock lock(observers_mutex_);
  for (BackendObserver& observer : observers_) observer.geometry_changed();
}

}  // namespace weft::block
