// GET, POST and DELETE /v1/attachments: namespaces of targets that the daemon is a host of.
#pragma once

#include "config/configuration.h"
#include "daemon/attachments.h"
#include "faces/http/route.h"

namespace weft::daemon {

// Both outlive it, and what it began.
faces::Routes attachment_routes(Attachments& attachments, config::Configuration& configuration);

}  // namespace weft::daemon
