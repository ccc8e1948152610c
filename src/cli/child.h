// A command that runs beside the target.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace weft::cli {

// Found by $PATH; with this process's environment, of which `additions` ("NAME=value") replace what they
// name, and with the signal mask given.  The error is that of execve.
Result<pid_t> spawn(const std::vector<std::string>& command, const std::vector<std::string>& additions,
                    const sigset_t& mask);

// The exit status of a child that has ended as a shell tells it, 128 + n for signal n; -1 while it runs.
int ended_with(pid_t child);

}  // namespace weft::cli
