// Answers of removals that others may refuse on the way.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "config/tree.h"
#include "target/subsystem.h"

namespace weft::config {

// An answer that two may give: who is first does.
struct OnceAnswer {
  explicit OnceAnswer(Answer its_answer) : answer(std::move(its_answer)) {}
  bool is_first() { return !given.exchange(true); }
  Answer answer;
  std::atomic<bool> given = false;
};

// Starts a removal that answers when it counts as done, or why it cannot be: once, even when it was under way
// and something else came between.
template <class Remove>
void answer_when_done(Answer answer, Remove remove) {
  const auto once = std::make_shared<OnceAnswer>(std::move(answer));
  Result<> removed = remove([once] {
    if (once->is_first()) once->answer({});
  });
  if (!removed && once->is_first()) once->answer(std::move(removed));
}

}  // namespace weft::config
