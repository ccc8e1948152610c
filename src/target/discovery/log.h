// The Discovery log page (NVMe Base 2.1, section 5.1.12.3.1): where this host may go from here.
#pragma once

#include "target/admin/log_page.h"

namespace weft::target {

LogPage discovery_log(const LogRead& read);

}  // namespace weft::target
