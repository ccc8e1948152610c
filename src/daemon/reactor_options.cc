#include "daemon/reactor_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "base/text.h"

namespace weft::daemon {

namespace {

constexpr std::uint64_t kMostMicroseconds = 1'000'000;

}  // namespace

void add_reactor_options(CLI::App& app, ReactorOptions& options) {
  app.add_option("--reactors", options.count, "threads that serve; default: one for each CPU, at most 4")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  app.add_option_function<std::string>(
         "--spin",
         [&options](const std::string& text) {
           if (text == "auto") {
             options.spin.reset();
             return;
           }
           if (text == "always") {
             options.spin = Duration::max();
             return;
           }
           const auto microseconds = parse_number(text, 0, kMostMicroseconds);
           if (!microseconds)
             throw CLI::ValidationError(
                 "--spin", fmt::format("\"{}\": must be auto, always or microseconds, {} at most", text,
                                       kMostMicroseconds));
           options.spin = std::chrono::microseconds(*microseconds);
         },
         "microseconds for which a thread that has nothing to do looks for work before it sleeps, always, or "
         "auto: a moment, while work comes that soon; default auto")
      ->type_name("USEC");
}

}  // namespace weft::daemon
