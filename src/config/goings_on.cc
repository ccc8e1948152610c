#include "config/goings_on.h"

#include <utility>

namespace weft::config {

class GoingsOn::Mark {
 public:
  Mark(std::shared_ptr<GoingsOn> owner, std::string path, std::string_view what) : owner_(std::move(owner)) {
    const std::scoped_lock lock(owner_->mutex_);
    at_ = owner_->all_.insert(owner_->all_.end(), {std::move(path), what, std::chrono::steady_clock::now()});
  }
  ~Mark() {
    const std::scoped_lock lock(owner_->mutex_);
    owner_->all_.erase(at_);
    ++owner_->ended_;
    owner_->changed_.notify_all();
  }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;

 private:
  const std::shared_ptr<GoingsOn> owner_;
  std::list<One>::iterator at_;
};

std::move_only_function<void()> GoingsOn::begin(std::string path, std::string_view what,
                                                std::move_only_function<void()> then) {
  auto mark = std::make_unique<Mark>(shared_from_this(), std::move(path), what);
  return [mark = std::move(mark), then = std::move(then)]() mutable {
    mark.reset();
    if (then) then();
  };
}

std::vector<GoingsOn::One> GoingsOn::all() const {
  const std::scoped_lock lock(mutex_);
  return {all_.begin(), all_.end()};
}

std::size_t GoingsOn::ended() const {
  const std::scoped_lock lock(mutex_);
  return ended_;
}

bool GoingsOn::wait_for_end(std::size_t seen, std::chrono::steady_clock::time_point until) const {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [&] { return ended_ > seen || all_.empty(); });
  return ended_ > seen && std::chrono::steady_clock::now() < until;
}

}  // namespace weft::config
