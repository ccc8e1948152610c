#include "daemon/log.h"

#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <memory>

namespace weft::daemon {

namespace {

constexpr std::size_t kLines = 8192;  // that may wait to be written

}  // namespace

Result<> start_log(const std::string& level) {
  constexpr std::string_view kLevels[] = {"trace", "debug", "info", "warning", "error", "off"};
  bool known = false;
  for (const auto each : kLevels) known = known || each == level;
  if (!known)
    return fail(EINVAL,
                fmt::format("--log-level {}: must be trace, debug, info, warning, error or off", level));
  spdlog::init_thread_pool(kLines, 1);
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();
  auto log = std::make_shared<spdlog::async_logger>("weft", std::move(sink), spdlog::thread_pool(),
                                                    spdlog::async_overflow_policy::overrun_oldest);
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  log->set_level(spdlog::level::from_str(level));
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(log));
  return {};
}

void stop_log() {
  // The logger goes when its thread has ended, so that who runs last of the two is never a question.
  const auto log = spdlog::default_logger();
  spdlog::shutdown();
}

void LogJournal::problem(std::string_view path, std::string_view reason) {
  spdlog::error("{}: {}", path, reason);
}

void LogJournal::note(std::string_view path, std::string_view what) {
  spdlog::info("{}: {}", path, what);
}

// For whoever waits for them, not for the log's readers alone.
void LogJournal::listening(std::string_view port) {
  fmt::print(stdout, "listening on {}\n", port);
  (void)std::fflush(stdout);
}

void LogJournal::mounted(std::string_view directory, std::string_view what) {
  fmt::print(stdout, "{} is at {}\n", what, directory);
  (void)std::fflush(stdout);
}

void LogJournal::note(const fabric::Path& path, std::string_view what) {
  spdlog::info("connection from {}: {}", path.peer, what);
}

}  // namespace weft::daemon
