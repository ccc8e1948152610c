#include "block/backend.h"

namespace weft::block {

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
