// Values that several attributes take, with the error that names the value and the rule (EINVAL).  Pure
// functions.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/text.h"

namespace weft::config {

Result<bool> read_flag(std::string_view text);  // 0 or 1
Result<Uuid> read_uuid(std::string_view text);  // not zero

}  // namespace weft::config
