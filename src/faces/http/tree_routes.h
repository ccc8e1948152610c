// The rows that show and change the configuration tree.
#pragma once

#include "config/tree.h"
#include "faces/http/route.h"

namespace weft::faces {

Routes tree_routes(config::Tree& tree);  // which outlives them

}  // namespace weft::faces
