#include "daemon/flush_all.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>

#include "base/call.h"

namespace weft::daemon {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kTellTime{1};

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

// Until all have answered, or none for `patience`.
void await_answers(Board& board, Duration patience, std::move_only_function<void(std::size_t left)>& tell) {
  std::unique_lock lock(board.mutex);
  auto last_answer = Clock::now();
  auto last_told = last_answer;
  while (!board.left.empty() && Clock::now() - last_answer < patience) {
    const std::size_t before = board.left.size();
    board.answered.wait_until(lock, std::min(last_answer + patience, last_told + kTellTime),
                              [&] { return board.left.size() != before; });
    const auto now = Clock::now();
    if (board.left.size() != before) last_answer = now;
    if (now - last_told < kTellTime) continue;
    last_told = now;
    tell(board.left.size());
  }
}

}  // namespace

FlushOutcome flush_all(Loops& loops, const std::vector<std::shared_ptr<block::Backend>>& backends,
                       Duration patience, std::move_only_function<void(std::size_t left)> tell) {
  auto board = std::make_shared<Board>();
  std::vector<std::shared_ptr<block::Backend>> todo;
  for (const auto& backend : backends)
    if (const auto geometry = backend->geometry(); geometry.volatile_cache && !geometry.read_only)
      todo.push_back(backend);
  for (const auto& backend : todo) board->left.insert(backend->name());
  std::size_t next = 0;
  for (auto& backend : todo) {
    Loop& loop = *loops.all()[next++ % loops.all().size()];
    auto* const flush = new Flush(loop, std::move(backend), board);
    post_call(loop, [flush] { flush->start(); });
  }
  await_answers(*board, patience, tell);
  const std::scoped_lock lock(board->mutex);
  return {.failed = board->failed, .hanging = {board->left.begin(), board->left.end()}};
}

}  // namespace weft::daemon
