// What main() hands to the configuration for each kind of backend: its name, the keys of `control`, and how
// to open one.  An explicit list; nothing registers itself.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/text.h"
#include "block/backend.h"

namespace weft::block {

struct ControlKey {
  std::string_view name;
  std::string_view help;  // meaning, range, default
};

using ControlValues = std::map<std::string, std::string, std::less<>>;

struct OpenOptions {
  std::string name;  // <plugin>_<N>/<device>
  Uuid serial;
  ControlValues control;  // only known keys; values as written
};

// What a path must be that a plugin opens.
enum class PathKind : std::uint8_t { none, file, device };

struct Plugin {
  std::string_view name;     // as in target/core/<plugin>_<N>: rd_mcp, fileio, iblock, null
  std::string_view summary;  // one line
  std::span<const ControlKey> keys;
  // May block; runs off the loops.  EINVAL names the key, the value and the rule.
  std::function<Result<std::shared_ptr<Backend>>(const OpenOptions&)> open;
  bool keeps_data = true;  // false: each open begins with other data, so a new unit serial belongs to it
  // For those who have a path and nothing else: the keys for the path and for going through the page cache.
  PathKind path_kind = PathKind::none;
  std::string_view path_key{};
  std::string_view buffered_key{};  // empty: it does not go that way
};

}  // namespace weft::block
