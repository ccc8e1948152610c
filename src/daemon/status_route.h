// GET /v1/status: what a daemon serves, and what goes on in it.
#pragma once

#include "config/configuration.h"
#include "faces/http/route.h"

namespace weft::daemon {

faces::Route status_route(config::Configuration& configuration);  // which outlives it

}  // namespace weft::daemon
