#include "config/values.h"

#include <fmt/format.h>

#include <cerrno>

namespace weft::config {

Result<bool> read_flag(std::string_view text) {
  if (const auto flag = parse_bool(text)) return *flag;
  return fail(EINVAL, fmt::format("\"{}\" must be 0 or 1", text));
}

Result<Uuid> read_uuid(std::string_view text) {
  if (const auto uuid = parse_uuid(text); uuid && !uuid->is_nil()) return *uuid;
  return fail(EINVAL, fmt::format("\"{}\" must be a UUID that is not zero, like "
                                  "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
                                  text));
}

}  // namespace weft::config
