// A document in rows, one for each object: its path, and the JSON text of what it is without the objects
// below it.  In a path `/` and `~` within a name are `~1` and `~0`, as in a JSON pointer.  Pure functions.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "config/document.h"

namespace weft::config {

std::string row_path(std::initializer_list<std::string_view> names);
std::string device_row(const std::string& device);  // <plugin>_<N>/<device>
std::string subsystem_row(const std::string& nqn);

template <class Object>
std::string row_value(const Object& object);  // what document_json.h knows

using Rows = std::map<std::string, std::string>;  // value by path

// Rows that cannot be read are problems like the document's own.
ParsedDocument read_rows(const Rows& rows);

}  // namespace weft::config
