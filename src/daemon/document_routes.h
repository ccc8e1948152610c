// GET and POST /v1/document and /v1/nvmetcli: the configuration as a whole, out and in.
#pragma once

#include "config/configuration.h"
#include "config/tree.h"
#include "faces/http/route.h"

namespace weft::daemon {

// Both outlive it, and what it began.
faces::Routes document_routes(config::Configuration& configuration, config::Tree& tree);

}  // namespace weft::daemon
