// Data of any length to and from a namespace, in as many commands as its limits ask for.  Blocks; not on a
// loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "host/namespace.h"

namespace weft::client {

// Places and lengths are bytes, and multiples of the namespace's block.  Errors name the place.
Result<> read_range(host::Namespace& from, std::uint64_t place, std::span<std::byte> into, std::size_t queue);
Result<> write_range(host::Namespace& to, std::uint64_t place, std::span<const std::byte> from,
                     std::size_t queue);

enum class Erasing : std::uint8_t { zeroes, deallocated_zeroes, discard };
// kMostCommandBlocks at most.
Result<> erase_blocks(host::Namespace& in, std::uint64_t first, std::uint32_t blocks, Erasing how);

}  // namespace weft::client
