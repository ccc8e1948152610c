#include <fmt/format.h>

#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "config/attributes.h"
#include "daemon/plugins.h"

namespace weft::cli {

namespace {

constexpr std::string_view kText =
    "Usage: weft COMMAND [ARGUMENT...]\n"
    "\n"
    "An NVMe over Fabrics target in user space.\n"
    "\n"
    "Commands:\n"
    "  serve EXPORT...                export memory, files and block devices\n"
    "  run [EXPORT...] -- COMMAND...  the same while a command runs\n"
    "  help [TOPIC]                   of a command; attributes and plugins: what a configuration may hold\n"
    "\n"
    "weft --version says the version.  weftd serves a whole configuration: weftd --help\n";

void print_attributes() {
  for (const auto& row : config::subsystem_attributes()) fmt::print("{}\t{}\n", row.name, row.help);
}

void print_plugins() {
  for (const auto& plugin : daemon::known_plugins()) {
    fmt::print("{}\t{}\n", plugin.name, plugin.summary);
    for (const auto& key : plugin.keys) fmt::print("{} {}\t{}\n", plugin.name, key.name, key.help);
  }
}

}  // namespace

int help(int argc, const char* const* argv) {
  const std::string_view topic = argc > 1 ? argv[1] : "";
  const char* const words[] = {"weft", "--help"};
  if (argc > 2) return refuse("weft help", "one topic at a time");
  if (topic == "serve") return serve(2, words);
  if (topic == "run") return run(2, words);
  if (topic == "attributes")
    print_attributes();
  else if (topic == "plugins")
    print_plugins();
  else if (topic.empty() || topic == "help" || topic == "--help")
    fmt::print("{}", kText);
  else
    return refuse("weft help", fmt::format("\"{}\": must be serve, run, attributes or plugins", topic));
  return 0;
}

}  // namespace weft::cli
