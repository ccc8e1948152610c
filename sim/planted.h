// The names of the planted mistakes, and how to have one in this process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/planted.h"

namespace weft::sim {

bool has_planted_bugs();  // whether this build has

struct NamedBug {
  std::string_view name;
  Bug bug;
  std::string_view scenario;  // that is to find it
};
const std::vector<NamedBug>& all_bugs();
void plant(Bug bug);

}  // namespace weft::sim
