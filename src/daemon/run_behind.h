// Work for an answer of the socket that may wait for backends or targets.
#pragma once

#include <functional>

#include "config/configuration.h"
#include "faces/http/route.h"

namespace weft::daemon {

// On a thread that may wait; what it returns is the answer.
void run_behind(config::Configuration& configuration, std::move_only_function<faces::Reply()> work,
                faces::Respond respond);

}  // namespace weft::daemon
