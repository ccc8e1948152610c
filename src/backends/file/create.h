// Making a file that is to be a disk.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace weft::backends {

// Makes the file, sparse and readable by its owner alone, unless there is one with something in it; it and
// its name are durable when this returns.  EEXIST never comes: one that appears meanwhile is left as it is.
Result<> create_sparse(const std::string& path, std::uint64_t bytes);

}  // namespace weft::backends
