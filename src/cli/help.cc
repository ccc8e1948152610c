#include <fmt/format.h>

#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "config/attributes.h"
#include "daemon/plugins.h"

namespace weft::cli {

namespace {

constexpr std::string_view kHead =
    "Usage: weft COMMAND [ARGUMENT...]\n"
    "\n"
    "An NVMe over Fabrics target in user space.\n"
    "\n"
    "Commands:\n";
constexpr std::string_view kFoot =
    "\n"
    "weft --version says the version.  weftd serves a whole configuration: weftd --help\n";

void print_commands() {
  fmt::print("{}", kHead);
  for (const Command& row : commands()) fmt::print("  {:<31}{}\n", row.synopsis, row.summary);
  fmt::print("{}", kFoot);
}

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
  const Command* const command = find_command(commands(), topic);
  if (command != nullptr && command->run != help) return command->run(2, words);
  if (topic == "attributes")
    print_attributes();
  else if (topic == "plugins")
    print_plugins();
  else if (topic.empty() || topic == "help" || topic == "--help")
    print_commands();
  else
    return refuse("weft help", fmt::format("\"{}\": must be a command, attributes or plugins", topic));
  return 0;
}

}  // namespace weft::cli
