// weft ls, get, set, mkdir, rmdir, ln, rm: the tree of a running weftd.
#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/daemon_client.h"
#include "cli/table.h"

namespace weft::cli {

namespace {

using nlohmann::ordered_json;

constexpr const char* kPathHelp = "in the tree, with or without a slash in front";

// What all of them have: paths, the socket, and one line for each that is refused.
struct TreeCommand {
  TreeCommand(const char* name, const char* description) : app(description, name) {}

  // A status when the program ends with it.
  std::optional<int> read(int argc, const char* const* argv, bool prints_table = false) {
    add_client_options(app, options, prints_table);
    return parse(app, argc, argv);
  }
  // Each path in turn; the first bad status.
  int for_each_path(const std::function<int(const std::string& path)>& act) const {
    int status = 0;
    for (const auto& path : paths)
      if (const int its = act(path); its != 0 && status == 0) status = its;
    return status;
  }
  int report(const Refusal& refusal) const { return cli::report(app.get_name(), refusal); }
  Answered call(const std::string& method, const std::string& target,
                const ordered_json& body = nullptr) const {
    return DaemonClient(options).call(method, target, body);
  }

  CLI::App app;
  ClientOptions options;
  std::vector<std::string> paths;
};

std::string value_of(const ordered_json& node) {
  if (node.contains("error")) return node["error"].value("message", "");
  return node.value(node.contains("target") ? "target" : "value", "");
}

void print_long(const ordered_json& entries) {
  std::vector<TableRow> rows;
  for (const auto& entry : entries) {
    const std::string kind = entry.value("kind", "");
    const std::string access = kind != "attribute" ? ""
                                                   : std::string(entry.value("readable", false) ? "r" : "-") +
                                                         (entry.value("writable", false) ? "w" : "-");
    rows.push_back(
        {kind, access, entry.value("name", "") + (kind == "directory" ? "/" : ""), value_of(entry)});
  }
  fmt::print("{}", table_text(rows));
}

void print_short(const ordered_json& entries) {
  for (const auto& entry : entries)
    fmt::print("{}{}\n", entry.value("name", ""), entry.value("kind", "") == "directory" ? "/" : "");
}

// "path = value" for each attribute and link below a directory.
void print_values(const std::string& path, const ordered_json& entries, bool whole_path) {
  for (const auto& entry : entries) {
    const std::string name =
        whole_path ? tree_path(path + "/" + entry.value("name", "")) : entry.value("name", "");
    if (entry.contains("entries"))
      print_values(name, entry["entries"], whole_path);
    else if (entry.contains("target"))
      fmt::print("{} -> {}\n", name, value_of(entry));
    else if (entry.contains("value") || entry.contains("error"))
      fmt::print("{} = {}\n", name, value_of(entry));
  }
}

}  // namespace

int list(int argc, const char* const* argv) {
  TreeCommand command("weft ls", "What a directory of the configuration holds.");
  bool is_long = false;
  command.app.add_option("paths", command.paths, kPathHelp)->type_name("PATH");
  command.app.add_flag("-l", is_long, "kinds, access and values, too");
  if (const auto status = command.read(argc, argv, true)) return *status;
  if (command.paths.empty()) command.paths.emplace_back();
  return command.for_each_path([&](const std::string& path) {
    const auto shown = command.call("GET", tree_target(path) + (is_long ? "?attributes=values" : ""));
    if (!shown) return command.report(shown.error());
    const ordered_json one = ordered_json::array({*shown});
    const ordered_json& entries = shown->contains("entries") ? (*shown)["entries"] : one;
    if (command.options.json)
      print_json(*shown);
    else if (command.paths.size() > 1)
      fmt::print("{}:\n", tree_path(path));
    if (!command.options.json) is_long ? print_long(entries) : print_short(entries);
    return 0;
  });
}

int get(int argc, const char* const* argv) {
  TreeCommand command("weft get",
                      "The value of an attribute, the target of a link, or the values in a directory.");
  bool recursive = false;
  command.app.add_option("paths", command.paths, kPathHelp)->type_name("PATH")->required();
  command.app.add_flag("-r", recursive, "of all directories below, too");
  if (const auto status = command.read(argc, argv, true)) return *status;
  return command.for_each_path([&](const std::string& path) {
    const auto shown =
        command.call("GET", tree_target(path) + "?attributes=values&depth=" + (recursive ? "32" : "1"));
    if (!shown) return command.report(shown.error());
    if (command.options.json)
      print_json(*shown);
    else if (shown->contains("entries"))
      print_values(path, (*shown)["entries"], recursive);
    else
      fmt::print("{}\n", value_of(*shown));
    return 0;
  });
}

int set(int argc, const char* const* argv) {
  TreeCommand command("weft set", "Change an attribute.");
  std::string path;
  std::string value;
  command.app.add_option("path", path, kPathHelp)->type_name("PATH")->required();
  command.app.add_option("value", value, "the new value")->type_name("VALUE")->required();
  if (const auto status = command.read(argc, argv)) return *status;
  const auto done = command.call("PUT", tree_target(path), {{"value", value}});
  return done ? 0 : command.report(done.error());
}

namespace {

// Those in front of it that are missing, too.
Answered make_with_parents(const TreeCommand& command, const std::string& path) {
  const ordered_json directory = {{"kind", "directory"}};
  for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string parent = tree_target(path.substr(0, end));
    if (command.call("GET", parent + "?attributes=none")) continue;
    auto made = command.call("POST", parent, directory);
    if (!made && made.error().name != "EEXIST") return made;
  }
  auto made = command.call("POST", tree_target(path), directory);
  if (!made && made.error().name == "EEXIST") return ordered_json();
  return made;
}

// DELETE takes away what is there; these two only what they are for.
int remove(TreeCommand& command, int argc, const char* const* argv, bool directories) {
  command.app.add_option("paths", command.paths, kPathHelp)->type_name("PATH")->required();
  if (const auto status = command.read(argc, argv)) return *status;
  return command.for_each_path([&](const std::string& path) {
    const auto found = command.call("GET", tree_target(path) + "?attributes=none");
    if (!found) return command.report(found.error());
    if ((found->value("kind", "") == "directory") != directories)
      return command.report({.message = fmt::format("{}: it is {} directory; use weft {}", tree_path(path),
                                                    directories ? "no" : "a", directories ? "rm" : "rmdir")});
    const auto done = command.call("DELETE", tree_target(path));
    return done ? 0 : command.report(done.error());
  });
}

}  // namespace

int make_directory(int argc, const char* const* argv) {
  TreeCommand command("weft mkdir", "Make an object, which is a directory.");
  bool parents = false;
  command.app.add_option("paths", command.paths, kPathHelp)->type_name("PATH")->required();
  command.app.add_flag("-p", parents, "make what is missing in front of it; one that is there is as good");
  if (const auto status = command.read(argc, argv)) return *status;
  return command.for_each_path([&](const std::string& path) {
    const auto done = parents ? make_with_parents(command, tree_path(path))
                              : command.call("POST", tree_target(path), {{"kind", "directory"}});
    return done ? 0 : command.report(done.error());
  });
}

int remove_directory(int argc, const char* const* argv) {
  TreeCommand command("weft rmdir", "Remove an object with its attributes.");
  return remove(command, argc, argv, true);
}

int make_link(int argc, const char* const* argv) {
  TreeCommand command("weft ln", "Make a link: in a namespace, to the device that hosts see.");
  std::string target;
  std::string path;
  command.app.add_option("target", target, "target/core/PLUGIN_N/DEVICE")->type_name("TARGET")->required();
  command.app
      .add_option("path", path, "of the link; with a slash behind it, of the directory that it comes into")
      ->type_name("PATH")
      ->required();
  if (const auto status = command.read(argc, argv)) return *status;
  if (path.ends_with('/')) path += target.substr(target.rfind('/') + 1);
  path = tree_path(path);
  const auto done =
      command.call("POST", tree_target(path), {{"kind", "link"}, {"target", relative_target(path, target)}});
  return done ? 0 : command.report(done.error());
}

int remove_link(int argc, const char* const* argv) {
  TreeCommand command("weft rm", "Remove a link.");
  return remove(command, argc, argv, false);
}

}  // namespace weft::cli
