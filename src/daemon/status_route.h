// GET /v1/status: what a daemon serves, and what goes on in it.
#pragma once

#include "config/configuration.h"
#include "daemon/health.h"
#include "faces/http/route.h"
#include "reactor/reactor.h"

namespace weft::daemon {

// All outlive it.
faces::Route status_route(config::Configuration& configuration, const reactor::Reactors& reactors,
                          const Health& health);

}  // namespace weft::daemon
