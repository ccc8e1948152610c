#pragma once

namespace weft::daemon {

inline constexpr const char* kVersion = WEFT_VERSION;

}  // namespace weft::daemon
