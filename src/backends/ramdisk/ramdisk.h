// A disk in memory.  All its channels share one anonymous mapping: pages are taken when they are first
// written, and discards and zeroes of whole pages give them back.
//
// Concurrent access: a reader-writer lock on each stripe of 64 KiB, held for one copy.  So a read returns
// each 64 KiB stripe, and with it each logical block, as one write left it: single blocks never tear.
// Commands that span stripes may interleave with overlapping ones, as NVMe allows beyond its atomic write
// unit.  The locks make it data-race free.
#pragma once

#include "backends/ramdisk/ram_budget.h"
#include "block/plugin.h"

namespace weft::backends {

// The budget outlives the plugin and every backend that it opened.
block::Plugin make_ramdisk_plugin(RamBudget& budget);

}  // namespace weft::backends
