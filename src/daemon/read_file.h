#pragma once

#include <string>

#include "base/result.h"

namespace weft::daemon {

// A file of people's making, whole; EFBIG beyond 64 MiB.
Result<std::string> read_file(const std::string& path);

}  // namespace weft::daemon
