// POST /v1/batch: changes of one tenant, all or none.
#pragma once

#include <memory>

#include "config/tree.h"
#include "faces/http/route.h"

namespace weft::faces {

// Any thread but a loop's.
class Batches {
 public:
  explicit Batches(config::Tree& tree);
  ~Batches();
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  Route route();

  // No batch touches the tree after it; those under way stay as they are.
  void end();

 private:
  struct State;
  class Run;
  const std::shared_ptr<State> state_;
};

}  // namespace weft::faces
