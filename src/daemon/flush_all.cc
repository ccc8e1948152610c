#include "daemon/flush_all.h"

#include <condition_variable>
#include <mutex>

#include "base/call.h"

namespace weft::daemon {

namespace {

struct Board {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t left = 0;
  FlushOutcome outcome;
};

// One flush.  Owns itself on its loop until it is answered.
class Flush : public block::Request {
 public:
  Flush(Loop& loop, std::shared_ptr<block::Backend> backend, std::shared_ptr<Board> board)
      : loop_(loop), backend_(std::move(backend)), board_(std::move(board)) {}

  void start() {
    channel_ = backend_->open_channel(loop_);
    op = block::Op::flush;
    done = [](Request& request) noexcept { static_cast<Flush&>(request).answered(); };
    channel_->submit(*this);
  }
  const std::string& name() const { return backend_->name(); }

 private:
  // The channel is in the middle of its answer: it goes in a turn of its own.
  void answered() {
    post_call(loop_, [this] {
      channel_.reset();
      const auto board = std::move(board_);
      const std::scoped_lock lock(board->mutex);
      if (error != 0) board->outcome.failed.push_back(name() + ": " + errno_text(error));
      std::erase(board->outcome.hanging, name());
      --board->left;
      board->changed.notify_all();
      delete this;
    });
  }

  Loop& loop_;
  std::shared_ptr<block::Backend> backend_;
  std::shared_ptr<Board> board_;
  std::unique_ptr<block::Channel> channel_;
};

}  // namespace

FlushOutcome flush_all(Loops& loops, const std::vector<std::shared_ptr<block::Backend>>& backends,
                       Duration time) {
  auto board = std::make_shared<Board>();
  std::vector<std::shared_ptr<block::Backend>> todo;
  for (const auto& backend : backends)
    if (const auto geometry = backend->geometry(); geometry.volatile_cache && !geometry.read_only)
      todo.push_back(backend);
  board->left = todo.size();
  for (const auto& backend : todo) board->outcome.hanging.push_back(backend->name());
  std::size_t next = 0;
  for (auto& backend : todo) {
    Loop& loop = *loops.all()[next++ % loops.all().size()];
    auto* const flush = new Flush(loop, std::move(backend), board);
    post_call(loop, [flush] { flush->start(); });
  }
  std::unique_lock lock(board->mutex);
  board->changed.wait_for(lock, time, [&] { return board->left == 0; });
  return board->outcome;
}

}  // namespace weft::daemon
