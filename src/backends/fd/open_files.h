// Backends open files as long as descriptors are left beyond a reserve.  A process that gave its last one to
// a backend could accept no connection, and after a restart not even listen: one backend too many would take
// all others away.
#pragma once

#include <cstdint>
#include <string>

#include "backends/fd/unique_fd.h"

namespace weft::backends {

// What open(2) says in errno; EMFILE also when only the reserve is left.
UniqueFd open_within_limit(const std::string& path, int flags);

// Of so many descriptors that the process may have: kept for listeners, connections and the state.
std::uint64_t reserved_descriptors(std::uint64_t limit);

// The errno in words; EMFILE with the limit and what to do.
std::string open_error_text(int error);

}  // namespace weft::backends
