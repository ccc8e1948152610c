// The one table from a backend's errors to the status that hosts get.
#pragma once

#include "block/request.h"
#include "wire/status.h"

namespace weft::target {

wire::Status status_of_error(block::Op op, int error);

}  // namespace weft::target
