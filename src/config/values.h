// Values that several attributes take, with the error that names the value and the rule (EINVAL).  Pure
// functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "wire/log_page.h"

namespace weft::config {

// 1 to `most` printable ASCII characters, as in fields that hosts read padded with blanks.
Result<> store_text(std::string& field, std::string_view text, std::size_t most);

Result<bool> read_flag(std::string_view text);  // 0 or 1
Result<Uuid> read_uuid(std::string_view text);  // not zero
Result<AnaGroupId> read_ana_group(std::string_view text);
Result<PortId> read_port_id(std::string_view text);             // of a directory: 1 and not 01
Result<AnaGroupId> read_ana_group_name(std::string_view text);  // of a directory: 2 and not 02
Result<wire::AnaState> read_ana_state(std::string_view text);  // as the specification names them, with dashes

}  // namespace weft::config
