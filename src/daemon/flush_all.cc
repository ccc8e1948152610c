#include "daemon/flush_all.h"

#include <condition_variable>
#include <mutex>
#include <set>

#include "base/call.h"
#include "base/patience.h"

namespace weft::daemon {

namespace {

struct Board {
  std::mutex mutex;
  std::condition_variable answered;
  std::set<std::string> left;
  std::vector<std::string> failed;
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
      if (error != 0) board->failed.push_back(name() + ": " + errno_text(error));
      board->left.erase(name());
      board->answered.notify_all();
      delete this;
    });
  }

  Loop& loop_;
  std::shared_ptr<block::Backend> backend_;
  std::shared_ptr<Board> board_;
  std::unique_ptr<block::Channel> channel_;
};

// The flushes of one loop.  Starts one in a turn: a start may make a thread, and the answers come between.
class Starter {
 public:
  explicit Starter(Loop& loop) : loop_(loop) {}
  void add(Flush* flush) { todo_.push_back(flush); }
  static void run(std::unique_ptr<Starter> starter) {
    Loop& loop = starter->loop_;
    post_call(loop, [starter = std::move(starter)]() mutable {
      if (starter->todo_.empty()) return;
      starter->todo_.back()->start();
      starter->todo_.pop_back();
      run(std::move(starter));
    });
  }

 private:
  Loop& loop_;
  std::vector<Flush*> todo_;
};

}  // namespace

FlushOutcome flush_all(Loops& loops, const std::vector<std::shared_ptr<block::Backend>>& backends,
                       Duration patience) {
  auto board = std::make_shared<Board>();
  std::vector<std::unique_ptr<Starter>> starters;
  for (Loop* const loop : loops.all()) starters.push_back(std::make_unique<Starter>(*loop));
  std::size_t next = 0;
  for (const auto& backend : backends) {
    if (const auto geometry = backend->geometry(); !geometry.volatile_cache || geometry.read_only) continue;
    board->left.insert(backend->name());
    const std::size_t place = next++ % starters.size();
    starters[place]->add(new Flush(*loops.all()[place], backend, board));
  }
  for (auto& starter : starters) Starter::run(std::move(starter));
  std::unique_lock lock(board->mutex);
  await_none_left(board->answered, lock, patience, [&] { return board->left.size(); });
  return {.failed = board->failed, .hanging = {board->left.begin(), board->left.end()}};
}

}  // namespace weft::daemon
