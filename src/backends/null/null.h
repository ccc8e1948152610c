// A backend of any size that drops writes and reads as zeroes: measures everything above it.
#pragma once

#include "block/plugin.h"

namespace weft::backends {

block::Plugin make_null_plugin();

}  // namespace weft::backends
