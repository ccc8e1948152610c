// Files and devices of a process that has died: the kernel lets go of what it had open through its rings only
// some time after its end has been told, tens of milliseconds on an idle machine.  Who takes its place at
// once waits.
#pragma once

#include <functional>

namespace weft::backends {

// Tries until it succeeds, for at most a second.  Blocks; never on a loop.
bool until_let_go(const std::function<bool()>& attempt);

}  // namespace weft::backends
