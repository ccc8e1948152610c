// The one list of backend plugins.
#pragma once

#include <vector>

#include "backends/ramdisk/ram_budget.h"
#include "block/plugin.h"
#include "reactor/file_io.h"

namespace weft::daemon {

// RAM disks take from the budget; files and devices do their I/O through `files`.  Both outlive what is
// opened.
std::vector<block::Plugin> make_plugins(backends::RamBudget& budget, reactor::FileIos& files);

// The same to look at: names, summaries and keys.  They open nothing.
std::vector<block::Plugin> known_plugins();

}  // namespace weft::daemon
