// How often this process has allocated: every malloc and its relatives, and so every new.
#pragma once

#include <cstdint>

namespace weft::bench {

std::uint64_t allocations();  // since the start

}  // namespace weft::bench
