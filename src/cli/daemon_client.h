// A running weftd, spoken to by its socket.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <expected>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace weft::cli {

struct ClientOptions {
  std::string socket;  // empty: the default
  bool json = false;
};
// --socket, and --json for a command that prints a table.
void add_client_options(CLI::App& app, ClientOptions& options, bool prints_table);

// Why there is no answer, or a bad one.
struct Refusal {
  std::string name;     // "EBUSY"; empty: no weftd answered
  std::string message;  // for people
  bool is_interrupted = false;
  nlohmann::ordered_json body = nullptr;
};
using Answered = std::expected<nlohmann::ordered_json, Refusal>;

// On one thread.
class DaemonClient {
 public:
  explicit DaemonClient(const ClientOptions& options) : given_(options.socket) {}

  // Waits until it is done, however long that takes; SIGINT ends the wait and not what goes on.
  Answered call(const std::string& method, const std::string& target,
                const nlohmann::ordered_json& body = nullptr) const;

 private:
  struct Reply {
    int status;
    nlohmann::ordered_json body;
  };
  std::expected<Reply, Refusal> send(const std::string& method, const std::string& target,
                                     const std::string& body) const;
  std::expected<Reply, Refusal> await(const nlohmann::ordered_json& accepted) const;

  const std::string given_;
};

// Of a path in the tree, with or without slashes at its ends: "nvmet/subsystems", and what HTTP calls it.
std::string tree_path(std::string_view path);
std::string tree_target(std::string_view path);
// What a link at `path` must say so that it leads to the device in the mounted tree, too.
std::string relative_target(std::string_view path, std::string_view target);

// On stderr, in the name of the command; returns the exit status.
int report(std::string_view command, const Refusal& refusal);

}  // namespace weft::cli
