// GET /v1/status: what a daemon serves, and what goes on in it.
#pragma once

#include "config/configuration.h"
#include "faces/http/route.h"
#include "reactor/reactor.h"

namespace weft::daemon {

// Both outlive it.
faces::Route status_route(config::Configuration& configuration, const reactor::Reactors& reactors);

}  // namespace weft::daemon
