#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "daemon/log.h"
#include "daemon/signals.h"

namespace weft::cli {

namespace {

constexpr const char* kName = "weft run";
constexpr const char* kListen = "127.0.0.1:0";
constexpr const char* kDefaultExport = "256M";
constexpr int kNotFound = 127;  // as shells say it
constexpr int kNotExecutable = 126;

constexpr const char* kFooter =
    "The command finds WEFT_URI, WEFT_ADDR, WEFT_PORT and WEFT_NQN in its environment.  Without exports "
    "there is a\n"
    "RAM disk of 256 MiB.  Status: the command's, 128 + N when signal N ended it, 127 when it is not found, "
    "126 when\n"
    "it cannot be executed; 1 when the target does not start, 2 when the words are wrong.\n"
    "Example:\n"
    "  weft run 1G -- sh -c 'nvme discover -t tcp -a $WEFT_ADDR -s $WEFT_PORT'";

class Formatter final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
    return "Usage: weft run [OPTIONS] [EXPORT...] -- COMMAND [ARGUMENT...]\n";
  }
};

std::vector<std::string> variables_of(const Plan& plan) {
  const Place& place = plan.places.front();
  return {"WEFT_URI=" + uri(place, plan.nqn), "WEFT_ADDR=" + place.traddr, "WEFT_PORT=" + place.trsvcid,
          "WEFT_NQN=" + plan.nqn};
}

// Until it ends; signals that come here are passed on.  What a terminal sends, it has already.
int await(pid_t child, daemon::Signals& signals) {
  while (true) {
    const auto caught = signals.wait_for_any();
    if (caught.number != SIGCHLD) {
      if (!caught.from_terminal) ::kill(child, caught.number);
      continue;
    }
    if (const int status = ended_with(child); status >= 0) return status;
  }
}

int run_command(const std::vector<std::string>& command, const Plan& plan, daemon::Signals& signals) {
  const auto child = spawn(command, variables_of(plan), signals.mask_before());
  if (child) return await(*child, signals);
  report(kName, child.error());
  return child.error().code == ENOENT ? kNotFound : kNotExecutable;
}

int run_beside(const std::vector<std::string>& command, Plan plan, const TargetOptions& options) {
  (void)std::signal(SIGCHLD, SIG_DFL);  // whoever ignored it would take the status away
  daemon::Signals signals{SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD};
  if (auto started = daemon::start_log(options.log_level); !started) return report(kName, started.error());
  auto session = Session::start(std::move(plan), options);
  if (!session) {
    daemon::stop_log();
    return report(kName, session.error());
  }
  const int status = run_command(command, (*session)->plan(), signals);
  (*session)->stop();
  daemon::stop_log();
  return status;
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app("Start a target on a free loopback port, run a command beside it, and end both.", kName);
  app.formatter(std::make_shared<Formatter>());
  TargetOptions options;
  options.log_level = "error";  // stderr is the command's
  add_target_options(app, options, kListen);
  app.footer(kFooter);
  const char* const* const end = argv + argc;
  const char* const* const split =
      std::find_if(argv, end, [](const char* each) { return std::strcmp(each, "--") == 0; });
  if (const auto status = parse(app, static_cast<int>(split - argv), argv)) return *status;
  if (split == end || split + 1 == end)
    return refuse(kName, "there is no command: write it behind --, like weft run 1G -- ls");
  if (options.exports.empty()) options.exports = {kDefaultExport};
  if (options.listen.empty()) options.listen = {kListen};
  auto plan = make_plan(options, Ports::only_own);
  if (!plan) return report(kName, plan.error());
  return run_beside({split + 1, end}, std::move(*plan), options);
}

}  // namespace weft::cli
