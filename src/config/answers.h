// Answers to changes that go on after the call that began them.
#pragma once

#include <functional>

#include "config/tree.h"
#include "target/subsystem.h"

namespace weft::config {

// Starts a removal or change that answers when it counts as done, or why it cannot be: once, even when it was
// under way and something else came between.  Any thread.
void answer_when_done(Answer answer, const std::function<Result<>(target::Done)>& start);

}  // namespace weft::config
