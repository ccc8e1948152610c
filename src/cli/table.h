// What commands print: aligned columns, or JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace weft::cli {

using TableRow = std::vector<std::string>;

// Columns two blanks apart, the last one as it is.  A control character is shown as '?': values come from
// files.
std::string table_text(const std::vector<TableRow>& rows);
void print_json(const nlohmann::ordered_json& value);

}  // namespace weft::cli
