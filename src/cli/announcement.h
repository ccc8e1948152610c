// What `weft serve` prints when it is ready.
#pragma once

#include <string>
#include <vector>

#include "cli/session.h"

namespace weft::cli {

// The lines for a Linux host to type: one discover and one connect for each address.
std::vector<std::string> host_commands(const Plan& plan);

std::string announcement_text(const Session& session);
std::string announcement_json(const Session& session);  // one object on one line

}  // namespace weft::cli
