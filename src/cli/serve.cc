#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "cli/announcement.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/signals.h"

namespace weft::cli {

namespace {

constexpr const char* kName = "weft serve";
constexpr const char* kListen = "127.0.0.1:4420";
constexpr const char* kFooter =
    "Options of an export: size=SIZE (makes the file), buffered, readonly, block_size=512|4096, overcommit.\n"
    "Examples:\n"
    "  weft serve 1G\n"
    "  weft serve file:disk.img,size=10G /dev/vg/lv --listen 192.0.2.1:4420 --hosts "
    "nqn.2014-08.org.nvmexpress:"
    "uuid:...\n"
    "It ends on SIGTERM and SIGINT.  More: man weft-serve";

struct Options {
  TargetOptions target;
  bool json = false;
  bool print_config = false;
};

void print(const std::string& text) {
  fmt::print("{}", text);
  (void)std::fflush(stdout);
}

int serve_until_told(const Options& options, Plan plan) {
  daemon::Signals signals{SIGTERM, SIGINT, SIGHUP};
  if (auto started = daemon::start_log(options.target.log_level); !started)
    return report(kName, started.error());
  auto session = Session::start(std::move(plan), options.target);
  if (!session) {
    daemon::stop_log();
    return report(kName, session.error());
  }
  print(options.json ? announcement_json(**session) : announcement_text(**session));
  daemon::notify_ready();
  signals.wait();
  daemon::notify_stopping();
  signals.release();
  (*session)->stop();
  daemon::stop_log();
  return 0;
}

}  // namespace

int serve(int argc, const char* const* argv) {
  CLI::App app(
      "Export memory, files and block devices to NVMe hosts over TCP, each as a namespace of one "
      "subsystem.",
      kName);
  Options options;
  add_target_options(app, options.target, kListen);
  app.add_option(
         "--advertise", options.target.advertise,
         "address that hosts are told instead of the --listen at the same place, for NAT and containers")
      ->type_name("ADDR:PORT")
      ->allow_extra_args(false);
  app.add_flag("--json", options.json, "when ready, print one JSON object");
  app.add_flag("--print-config", options.print_config,
               "print the configuration that weftd --config would take, and end");
  app.footer(kFooter);
  if (const auto status = parse(app, argc, argv)) return *status;
  if (options.target.listen.empty()) options.target.listen = {kListen};
  auto plan = make_plan(options.target, options.print_config ? Ports::written : Ports::live);
  if (!plan) return report(kName, plan.error());
  if (!options.print_config) return serve_until_told(options, std::move(*plan));
  print(config::write_document(plan->document));
  return 0;
}

}  // namespace weft::cli
