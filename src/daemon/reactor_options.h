// How many reactors serve, and how they wait: what weftd, weft serve and weft run are told alike.
#pragma once

#include <optional>

#include "base/loop.h"

namespace CLI {
class App;
}

namespace weft::daemon {

struct ReactorOptions {
  unsigned count = 0;            // 0: one for each CPU of this process, at most 4
  unsigned most = 0;             // threads, of which `count` are in use at first; 0: no more than these
  std::optional<Duration> spin;  // see reactor::ReactorsOptions
};

// --reactors and --spin.
void add_reactor_options(CLI::App& app, ReactorOptions& options);

}  // namespace weft::daemon
