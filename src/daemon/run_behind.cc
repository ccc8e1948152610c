#include "daemon/run_behind.h"

#include <utility>

namespace weft::daemon {

void run_behind(config::Configuration& configuration, std::move_only_function<faces::Reply()> work,
                faces::Respond respond) {
  configuration.model().workshop()->workers.run(
      [work = std::move(work), respond = std::move(respond)]() mutable { respond(work()); });
}

}  // namespace weft::daemon
