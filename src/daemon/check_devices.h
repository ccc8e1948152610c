#pragma once

#include <vector>

#include "config/document.h"

namespace weft::daemon {

// What a document asks for that is not there: devices of plugins that do not exist, keys that their plugin
// does not know, namespaces that show a device that the document does not have.
std::vector<config::Problem> check_devices(const config::Document& document);

}  // namespace weft::daemon
