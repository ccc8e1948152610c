// Handlers of admin commands that have no table of their own.
#pragma once

#include "target/request.h"

namespace weft::target {

void abort_command(Request& request);
void async_event_request(Request& request);
void keep_alive(Request& request);

}  // namespace weft::target
