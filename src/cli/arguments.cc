#include "cli/arguments.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

namespace weft::cli {

int report(std::string_view command, const Error& error) {
  fmt::print(stderr, "{}: {}\n", command, error.message);
  return error.code == EINVAL ? kUsage : kFailed;
}

int report(std::string_view command, const std::vector<std::string>& problems) {
  for (const auto& problem : problems) fmt::print(stderr, "{}: {}\n", command, problem);
  return kFailed;
}

int refuse(std::string_view command, std::string_view rule) {
  fmt::print(stderr, "{}: {}\n", command, rule);
  return kUsage;
}

void add_target_options(CLI::App& app, TargetOptions& options, const std::string& listen) {
  app.add_option("exports", options.exports,
                 "each one namespace: SIZE or ramdisk:SIZE (memory), PATH, file:PATH, block:PATH, null:SIZE; "
                 "options behind commas")
      ->type_name("EXPORT");
  app.add_option(
         "--listen", options.listen,
         "address and port, IPv6 in brackets; port 0: any free one; may be repeated; default " + listen)
      ->type_name("ADDR:PORT")
      ->allow_extra_args(false);
  app.add_option("--nqn", options.nqn,
                 "name of the subsystem; default: made from the machine, the exports and the addresses")
      ->type_name("NQN");
  app.add_option(
         "--hosts", options.hosts,
         "hosts that may connect, with commas between them; may be repeated.  Without it any host may, "
         "and only loopback addresses are listened on")
      ->type_name("NQN,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  daemon::add_reactor_options(app, options.reactors);
  app.add_option("--state-dir", options.state_dir,
                 "where identities are kept; default $STATE_DIRECTORY, $XDG_STATE_HOME/weft or "
                 "~/.local/state/weft")
      ->type_name("DIR");
  app.add_option("--log-level", options.log_level,
                 "trace, debug, info, warning, error or off; default " + options.log_level)
      ->type_name("LEVEL");
}

std::optional<int> parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "{}: {}; see {} --help\n", app.get_name(), error.what(), app.get_name());
    return kUsage;
  }
}

}  // namespace weft::cli
