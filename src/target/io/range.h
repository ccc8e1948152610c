// Checks that commands with a range of logical blocks share.
#pragma once

#include "target/request.h"
#include "wire/io_command.h"

namespace weft::target::io {

// The range lies in the namespace, or LBA Out of Range.
wire::Parsed<void> check_range(const Request& request, const wire::LbaRange& range);

// The size of the command's data: the range is in the namespace, is no larger than MDTS, and the data pointer
// says just that length; or the status.
wire::Parsed<std::size_t> data_bytes(const Request& request, const wire::LbaRange& range);

}  // namespace weft::target::io
