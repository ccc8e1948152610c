// The configuration in the JSON that nvmetcli saves and restores, by the kernel layout of a tree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/loop.h"
#include "base/result.h"
#include "config/document.h"
#include "config/tree.h"

namespace weft::config {

// What is below kernel/nvmet, as nvmetcli would save it: every attribute that can be written, by its prefix.
// Any thread but a loop's.
Result<std::string> export_nvmetcli(const Tree& tree);

// Makes what the text says, beside what there is: hosts, subsystems, ports with their links, ANA states and
// referrals, and opens the listeners last.  Each bad item is reported and does not stop the rest; a port that
// cannot listen here keeps its links and says why.  EINVAL: the text is no such JSON; then nothing was done.
//
// Blocks, for a namespace that hangs while it opens no longer than the patience.  Any thread but a loop's.
// The tree outlives its answers.
Result<std::vector<Problem>> import_nvmetcli(Tree& tree, std::string_view text, Duration patience);

}  // namespace weft::config
