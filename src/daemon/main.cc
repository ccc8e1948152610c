// weftd: serves what a configuration file says, and what it is told later, until it is told to end.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "daemon/configuration_file.h"
#include "daemon/faces.h"
#include "daemon/notify.h"
#include "daemon/server.h"
#include "daemon/signals.h"
#include "daemon/version.h"

namespace weft::daemon {

namespace {

struct Options {
  std::string config;  // empty: nothing is configured but by the faces
  std::string store;   // as given: a file, "none", or empty
  std::string log_level = "info";
  bool check = false;
  FaceOptions faces;
  ServerOptions server;
};

// A file with a mistake in it changes nothing: tenants are not taken down for it.
void reload(Server& server, const std::string& path) {
  notify_reloading();
  auto parsed = read_configuration(path);
  if (!parsed) spdlog::error("{}", parsed.error().message);
  if (parsed && !parsed->problems.empty()) {
    for (const auto& problem : parsed->problems) spdlog::error("{}", problem.text());
  } else if (parsed) {
    const std::size_t problems = server.apply(parsed->document);
    spdlog::info("configuration loaded again, {} problems", problems);
  }
  if (!parsed || !parsed->problems.empty()) spdlog::error("the configuration is left as it was");
  notify_ready();
}

void await_end(Server& server, Signals& signals, const std::string& config) {
  notify_ready();
  for (int number = signals.wait(); number == SIGHUP; number = signals.wait()) {
    if (config.empty())
      spdlog::warn("SIGHUP: there is no configuration file to load again");
    else
      reload(server, config);
  }
  notify_stopping();
}

int serve(Server& server, Signals& signals, const Options& options, const config::ParsedDocument& parsed,
          LogJournal& journal) {
  auto shown = server.load();
  if (shown && !options.config.empty()) {
    for (const auto& problem : parsed.problems) spdlog::error("{}", problem.text());
    server.apply(parsed.document);
  }
  if (shown) shown = show_faces(server, options.faces, !options.config.empty(), journal);
  if (shown)
    await_end(server, signals, options.config);
  else
    spdlog::error("{}", shown.error().message);
  spdlog::info("ending");
  signals.release();
  if (!server.stop()) {
    stop_log();
    Server::abandon();
  }
  return shown ? 0 : 1;
}

// What can be known without opening anything.
int check(const std::string& path) {
  auto parsed = read_configuration(path);
  if (!parsed) {
    fmt::print(stderr, "weftd: {}\n", parsed.error().message);
    return 1;
  }
  const auto problems = problems_of(*parsed);
  for (const auto& problem : problems) fmt::print(stderr, "weftd: {}: {}\n", path, problem.text());
  return problems.empty() ? 0 : 1;
}

// A file is what there is without a store, unless one is asked for.
Result<std::string> store_file(const Options& options) {
  if (options.store == "none" || (options.store.empty() && !options.config.empty())) return std::string();
  if (!options.store.empty()) return options.store;
  if (std::string store = default_store(options.server.state_dir); !store.empty()) return store;
  return fail(ENOENT,
              "there is no state directory to keep the configuration in: give --state-dir DIR, --store FILE, "
              "or --store none to forget it at the end");
}

int run(Options options) {
  if (options.check) return check(options.config);
  Signals signals{SIGTERM, SIGINT, SIGHUP};
  if (auto started = start_log(options.log_level); !started) {
    fmt::print(stderr, "weftd: {}\n", started.error().message);
    return 2;
  }
  LogJournal journal;
  int status = 1;
  auto parsed = options.config.empty() ? config::ParsedDocument() : read_configuration(options.config);
  auto store = store_file(options);
  if (store) options.server.store = *store;
  if (parsed && !store) parsed = std::unexpected(store.error());
  auto server = parsed ? Server::start(options.server, journal) : std::unexpected(parsed.error());
  if (server)
    status = serve(**server, signals, options, *parsed, journal);
  else
    spdlog::error("{}", server.error().message);
  stop_log();
  return status;
}

}  // namespace

}  // namespace weft::daemon

int main(int argc, char** argv) {
  using namespace weft::daemon;
  CLI::App app(
      "weftd: an NVMe over Fabrics target.  Serves what a configuration file says, and what it is told "
      "later.",
      "weftd");
  Options options;
  app.set_version_flag("--version", std::string("weftd ") + kVersion);
  app.add_option("--config", options.config, "configuration file (JSON); read again on SIGHUP")
      ->type_name("FILE");
  add_face_options(app, options.faces);
  app.add_flag("--check", options.check,
               "read the configuration, say what is wrong with it, and end: status 0 when nothing is");
  add_reactor_options(app, options.server.reactors);
  app.add_option(
         "--most-reactors", options.server.reactors.most,
         "threads that are made, so that as many can serve later: weft set reactors N; default: no more "
         "than serve at first")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  app.add_option(
         "--state-dir", options.server.state_dir,
         "where identities are kept; default $STATE_DIRECTORY, $XDG_STATE_HOME/weft or ~/.local/state/weft")
      ->type_name("DIR");
  app.add_option(
         "--store", options.store,
         "keep the configuration in this file, or with \"none\" not at all; default config.db in the state "
         "directory, and none with --config")
      ->type_name("FILE");
  app.add_option_function<unsigned>(
         "--overdue",
         [&options](const unsigned& seconds) {
           options.server.health.overdue = std::chrono::seconds(seconds);
         },
         "say in the log, and in weft status, which commands take longer than this; default 10 seconds")
      ->check(CLI::Range(1, 86400))
      ->type_name("SECONDS");
  app.add_option("--log-level", options.log_level, "trace, debug, info, warning, error or off; default info")
      ->type_name("LEVEL");
  app.footer("Examples:\n  weftd\n  weftd --config /etc/weft.json\nMore: man weftd, man weft.json");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked_for) {
    return app.exit(asked_for);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "weftd: {}; see weftd --help\n", error.what());
    return 2;
  }
  if (options.config.empty() && options.check) {
    fmt::print(stderr, "weftd: --check: --config FILE says what to look at; see weftd --help\n");
    return 2;
  }
  return run(std::move(options));
}
