// weft: commands that serve a target, and those that look after a running weftd.
#include <fmt/format.h>

#include <string_view>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "daemon/version.h"

int main(int argc, char** argv) {
  using namespace weft::cli;
  const std::string_view name = argc > 1 ? argv[1] : "";
  const char* const* const words = argv + 1;
  if (const Command* const command = find_command(commands(), name)) return command->run(argc - 1, words);
  if (name == "--help" || name == "-h") return help(argc - 1, words);
  if (name == "--version") {
    fmt::print("weft {}\n", weft::daemon::kVersion);
    return 0;
  }
  const std::string what = name.empty() ? "no command" : fmt::format("\"{}\"", name);
  return refuse("weft", fmt::format("{}: must be {}; see weft --help", what, names_of(commands())));
}
