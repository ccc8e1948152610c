// weft: commands that serve and, later, look after a target.
#include <fmt/format.h>

#include <string_view>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "daemon/version.h"

int main(int argc, char** argv) {
  using namespace weft::cli;
  const std::string_view command = argc > 1 ? argv[1] : "";
  const int count = argc - 1;
  const char* const* const words = argv + 1;
  if (command == "serve") return serve(count, words);
  if (command == "run") return run(count, words);
  if (command == "help" || command == "--help" || command == "-h") return help(count, words);
  if (command == "--version") {
    fmt::print("weft {}\n", weft::daemon::kVersion);
    return 0;
  }
  if (command.empty())
    fmt::print(stderr, "weft: no command: must be serve, run or help; see weft --help\n");
  else
    fmt::print(stderr, "weft: \"{}\": must be serve, run or help; see weft --help\n", command);
  return kUsage;
}
