// Which CPUs are near which memory.  Any thread; reads /sys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::reactor {

using Cpus = std::vector<unsigned>;

Cpus allowed_cpus();  // that this process may run on

// The CPUs of each memory node, of those that are allowed; nodes without one are left out, as are those that
// the system does not tell of.
std::vector<Cpus> memory_nodes(const Cpus& allowed,
                               const std::string& directory = "/sys/devices/system/node");

// As the kernel writes it: "0-3,8,10-11".  What is no such list ends it.
Cpus parse_cpu_list(std::string_view list);

// Where reactor `index` of `count` runs when nobody said: its buffers are on the node whose CPU touched them
// first, so it stays on one.  A node gets as many reactors as its part of the CPUs.  Empty, anywhere, when
// there is but one.
Cpus place_reactor(unsigned index, unsigned count, const std::vector<Cpus>& nodes);

}  // namespace weft::reactor
