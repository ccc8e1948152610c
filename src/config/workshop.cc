#include "config/workshop.h"

namespace weft::config {

namespace {

// Opening many that hang costs a place for no longer than this.
constexpr std::size_t kOpenPlaces = 64;
constexpr std::chrono::milliseconds kOpenPatience{250};
constexpr std::size_t kRefreshPlaces = 2;
constexpr std::chrono::milliseconds kRefreshPatience{500};
constexpr std::size_t kWorkPlaces = 16;
constexpr std::chrono::milliseconds kWorkPatience{100};

}  // namespace

Workshop::Workshop(StateStore& state, Store& store, Journal& journal)
    : openers(kOpenPlaces, kOpenPatience),
      refreshers(kRefreshPlaces, kRefreshPatience),
      workers(kWorkPlaces, kWorkPatience),
      state_(state),
      store_(store),
      journal_(journal) {}

void Workshop::end() {
  const std::unique_lock lock(mutex_);
  over_ = true;
}

}  // namespace weft::config
