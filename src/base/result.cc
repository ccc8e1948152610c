#include "base/result.h"

#include <system_error>

namespace weft {

std::string errno_text(int code) {
  return std::generic_category().message(code);
}

std::unexpected<Error> fail_errno(int code, const std::string& what) {
  return fail(code, what + ": " + errno_text(code));
}

}  // namespace weft
