// One target that a command of this program runs in its own process: all of what was asked for, or nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/plan.h"
#include "daemon/server.h"

namespace weft::cli {

// Not on a loop.
class Session {
 public:
  // Everything is open and listens, or else the lines say what could not be had and nothing is left.
  static std::expected<std::unique_ptr<Session>, std::vector<std::string>> start(
      Plan plan, const TargetOptions& options);
  ~Session();

  const Plan& plan() const { return plan_; }
  std::string size_of(const Export& each) const;  // "1 GiB"

  // Ends the target; ends the process where a backend hangs.  The log is written before.
  void stop();

 private:
  class Journal;
  Session(Plan plan, std::unique_ptr<Journal> journal);
  bool serve_plan();

  Plan plan_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<daemon::Server> server_;
};

}  // namespace weft::cli
