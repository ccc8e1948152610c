#include "cli/commands.h"

#include <algorithm>

namespace weft::cli {

namespace {

constexpr Command kCommands[] = {
    {"serve", "serve EXPORT...", "export memory, files and block devices", serve},
    {"run", "run [EXPORT...] -- COMMAND...", "the same while a command runs", run},
    {"status", "status", "what weftd serves, and what goes on in it", status},
    {"doctor", "doctor", "whether this machine and weftd are in order, and what to do", examine},
    {"tenant", "tenant ACTION", "create, delete, list and show tenants", tenant, Words::actions},
    {"ls", "ls [PATH...]", "what a directory of the configuration holds", list, Words::paths},
    {"get", "get PATH...", "values of attributes", get, Words::paths},
    {"set", "set PATH VALUE", "change an attribute", set, Words::paths},
    {"mkdir", "mkdir PATH...", "make an object, which is a directory", make_directory, Words::paths},
    {"rmdir", "rmdir PATH...", "remove an object", remove_directory, Words::paths},
    {"ln", "ln TARGET PATH", "show a device to hosts", make_link, Words::paths},
    {"rm", "rm PATH...", "take a link away", remove_link, Words::paths},
    {"save", "save [FILE]", "the configuration as a document", save},
    {"restore", "restore [FILE]", "make a document true", restore},
    {"import", "import [FILE]", "make what nvmetcli saved", import_nvmetcli},
    {"export", "export [FILE]", "the configuration as nvmetcli saves it", export_nvmetcli},
    {"attach", "attach TARGET", "make a namespace of any target a local device", attach},
    {"attached", "attached", "what is attached", attached},
    {"detach", "detach NAME...", "take it away", detach},
    {"discover", "discover TARGET", "subsystems that a discovery service knows", discover},
    {"identify", "identify TARGET", "what a controller or a namespace says of itself", identify},
    {"log", "log PAGE TARGET", "a log page of a controller", log_page},
    {"feature", "feature FEATURE TARGET", "the value of a controller's feature", feature},
    {"read", "read TARGET [FILE]", "read a namespace", read},
    {"write", "write TARGET [FILE]", "write a namespace", write},
    {"compare", "compare TARGET [FILE]", "compare a file with a namespace", compare},
    {"copy", "copy SOURCE DESTINATION", "between namespaces, files and pipes", copy},
    {"zeroes", "zeroes TARGET", "make a part of a namespace zeroes", zeroes},
    {"discard", "discard TARGET", "say that a part of a namespace is not needed", discard},
    {"flush", "flush TARGET", "make what was written durable", flush},
    {"bench", "bench TARGET", "load a target and measure how it answers", bench_target},
    {"completion", "completion bash|zsh", "makes a shell complete words", completion, Words::actions},
    {"help", "help [TOPIC]", "of a command; attributes and plugins: what a configuration may hold", help,
     Words::actions},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

const Command* find_command(std::span<const Command> rows, std::string_view name) {
  const auto row = std::ranges::find(rows, name, &Command::name);
  return row == rows.end() ? nullptr : &*row;
}

std::string names_of(std::span<const Command> rows) {
  std::string names;
  for (const Command& row : rows)
    names += (names.empty() ? "" : &row == &rows.back() ? " or " : ", ") + std::string(row.name);
  return names;
}

}  // namespace weft::cli
