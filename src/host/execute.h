// One command that somebody off the loops waits for.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "base/loop.h"
#include "base/result.h"
#include "host/command.h"

namespace weft::host {

enum class QueueKind : std::uint8_t { admin, io };

// Runs `submit` on the loop, and returns when the command that it was given has ended.  The error names the
// command and its status.
Result<wire::Cqe> execute(Loop& loop, QueueKind kind, const wire::Sqe& sqe, std::span<std::byte> data,
                          const std::function<void(Command&)>& submit);

}  // namespace weft::host
