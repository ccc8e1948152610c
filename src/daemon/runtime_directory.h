// Where a running weftd is found: its socket and its tree.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::daemon {

inline constexpr std::string_view kSocketName = "weftd.sock";

// $RUNTIME_DIRECTORY, /run/weft for root, else $XDG_RUNTIME_DIR/weft.  ENOENT: there is none; says what to
// set.
Result<std::string> find_runtime_directory();
// Likewise; it is there when this returns, for this user alone where it had to be made.
Result<std::string> make_runtime_directory();

}  // namespace weft::daemon
