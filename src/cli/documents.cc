// weft save, restore, import, export: the configuration of a running weftd as a whole.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/replace_file.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/daemon_client.h"
#include "cli/table.h"

namespace weft::cli {

namespace {

using nlohmann::ordered_json;

// What all four have: a file, which may be the terminal, and the socket.
struct DocumentCommand {
  DocumentCommand(const char* name, const char* description, const char* file_help) : app(description, name) {
    app.add_option("FILE", file, file_help)->type_name("FILE");
  }
  int fail(const std::string& why) const {
    fmt::print(stderr, "{}: {}\n", app.get_name(), why);
    return 1;
  }

  int write(const ordered_json& document) const {
    const std::string text = document.dump(2) + "\n";
    if (file == "-") {
      fmt::print("{}", text);
      return 0;
    }
    const auto written = replace_file(file, text);
    return written ? 0 : fail(written.error().message);
  }

  Result<std::string> read() const {
    if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
    std::ifstream stream(file, std::ios::binary);
    if (!stream) return weft::fail_errno(errno, file);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  // Sends what the file holds; items that could not be had are lines, and the status is 1.
  int send(const std::string& target, ordered_json body) const {
    auto text = read();
    if (!text) return fail(text.error().message);
    body["text"] = std::move(*text);
    const auto answer = DaemonClient(options).call("POST", target, body);
    if (!answer) {
      print_problems(answer.error().body);
      return report(app.get_name(), answer.error());
    }
    if (options.json) print_json(*answer);
    return print_problems(*answer) ? 1 : 0;
  }

  CLI::App app;
  ClientOptions options;
  std::string file = "-";

 private:
  bool print_problems(const ordered_json& answer) const {
    if (!answer.is_object() || !answer.contains("problems")) return false;
    for (const auto& each : answer["problems"])
      fmt::print(stderr, "{}: {}: {}\n", app.get_name(), each.value("path", ""), each.value("reason", ""));
    return !answer["problems"].empty();
  }
};

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_')
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace

int save(int argc, const char* const* argv) {
  DocumentCommand command("weft save", "Writes the configuration of a running weftd as a document.",
                          "where to; default -, the standard output");
  std::string tenant;
  command.app.add_option("--tenant", tenant, "this one and its devices alone")->type_name("NQN");
  add_client_options(command.app, command.options, false);
  if (const auto wrong = parse(command.app, argc, argv)) return *wrong;
  const std::string target =
      tenant.empty() ? "/v1/document" : "/v1/document?tenant=" + percent_encoded(tenant);
  const auto document = DaemonClient(command.options).call("GET", target);
  return document ? command.write(*document) : report(command.app.get_name(), document.error());
}

int restore(int argc, const char* const* argv) {
  DocumentCommand command("weft restore", "Makes a document true in a running weftd.",
                          "what weft save wrote; default -, the standard input");
  bool beside = false;
  command.app.add_flag("--beside", beside,
                       "leave alone what the document does not name; else it takes the place of all");
  add_client_options(command.app, command.options, true);
  if (const auto wrong = parse(command.app, argc, argv)) return *wrong;
  return command.send("/v1/document", {{"beside", beside}});
}

int export_nvmetcli(int argc, const char* const* argv) {
  DocumentCommand command("weft export", "Writes the configuration of a running weftd in nvmetcli's JSON.",
                          "where to; default -, the standard output");
  add_client_options(command.app, command.options, false);
  if (const auto wrong = parse(command.app, argc, argv)) return *wrong;
  const auto exported = DaemonClient(command.options).call("GET", "/v1/nvmetcli");
  return exported ? command.write(*exported) : report(command.app.get_name(), exported.error());
}

int import_nvmetcli(int argc, const char* const* argv) {
  DocumentCommand command("weft import",
                          "Makes what nvmetcli saved in a running weftd, beside what there is.",
                          "what nvmetcli wrote; default -, the standard input");
  add_client_options(command.app, command.options, true);
  if (const auto wrong = parse(command.app, argc, argv)) return *wrong;
  return command.send("/v1/nvmetcli", ordered_json::object());
}

}  // namespace weft::cli
