#include "config/answers.h"

#include <atomic>
#include <memory>
#include <utility>

namespace weft::config {

namespace {

// An answer that two may give: who is first does.
struct OnceAnswer {
  explicit OnceAnswer(Answer its_answer) : answer(std::move(its_answer)) {}
  bool is_first() { return !given.exchange(true); }
  Answer answer;
  std::atomic<bool> given = false;
};

}  // namespace

void answer_when_done(Answer answer, const std::function<Result<>(target::Done)>& start) {
  const auto once = std::make_shared<OnceAnswer>(std::move(answer));
  Result<> started = start([once] {
    if (once->is_first()) once->answer({});
  });
  if (!started && once->is_first()) once->answer(std::move(started));
}

}  // namespace weft::config
