// One step of a batch, what takes it back, and what a batch may be made of.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/tree.h"
#include "faces/http/route.h"

namespace weft::faces {

struct Step {
  enum class Kind : std::uint8_t { mkdir, rmdir, ln, rm, set };
  Kind kind = Kind::mkdir;
  std::string path;
  std::string text = {};   // the value, or the link's target
  bool may_exist = false;  // of mkdir
};

// The fields of a step in a request's body, for check_call and the OpenAPI page.
std::vector<Parameter> step_fields();
Step read_step(const nlohmann::json& checked);
nlohmann::ordered_json describe(const Step& step);

void perform(config::Tree& tree, const Step& step, config::Answer answer);

// All of one tenant, and each step but the last can be taken back.  Returns the tenant's NQN.  EINVAL: names
// the step; nothing was done.
struct Refusal {
  std::size_t step;
  Error error;
};
std::expected<std::string, Refusal> check_steps(const config::Tree& tree, const std::vector<Step>& steps);

// What takes the step back, in this order; looks at the tree as it is before the step.  `made` are the
// directories that the batch has made so far: what is inside goes with them.
std::vector<Step> undo_of(const config::Tree& tree, const Step& step, const std::vector<std::string>& made);

}  // namespace weft::faces
