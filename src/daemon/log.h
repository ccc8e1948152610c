// The process's log: lines on stderr, written by a thread of their own, so that a reader who is slow stops
// nobody. When lines come faster than they are read, the oldest are dropped.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/journal.h"
#include "transports/tcp/options.h"

namespace weft::daemon {

// trace, debug, info, warning, error, off.
Result<> start_log(const std::string& level);
void stop_log();  // writes what waits

// Where the parts of a server say what happens.  Any thread.
class Journal : public config::Journal, public tcp::Journal {
 protected:
  ~Journal() = default;
};

// Into the log; what listens also to stdout.
class LogJournal final : public Journal {
 public:
  void problem(std::string_view path, std::string_view reason) override;
  void note(std::string_view path, std::string_view what) override;
  void listening(std::string_view port) override;
  // Where the configuration is a directory.
  void mounted(std::string_view directory, std::string_view what = "the configuration");
  void note(const fabric::Path& path, std::string_view what) override;
};

}  // namespace weft::daemon
