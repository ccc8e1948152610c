// Attribute rows: how an object's settings are named, explained, shown and changed.  Backends, transports and
// the target bring their rows; the configuration tree, the manual, completion, save and restore read them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft {

enum class Mutability : unsigned char {
  read_only,
  live,    // may change at any time
  locked,  // only while the object is not in use; the store function says EBUSY itself where it knows better
};

template <class Object>
struct AttributeRow {
  std::string_view name;
  std::string_view help;  // one line: meaning, range, default
  Mutability mutability;
  std::string (*show)(const Object&);
  Result<> (*store)(Object&, std::string_view value);  // null when read_only
};

template <class Object>
const AttributeRow<Object>* find_attribute(std::span<const AttributeRow<Object>> rows,
                                           std::string_view name) {
  for (const auto& row : rows)
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace weft
