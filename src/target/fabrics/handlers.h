// Handlers of Fabrics commands (NVMe Base 2.1, section 6).
#pragma once

#include "target/request.h"

namespace weft::target::fabrics {

void connect(Request& request);
void property_get(Request& request);
void property_set(Request& request);
void disconnect(Request& request);

}  // namespace weft::target::fabrics
