#include "cli/daemon_client.h"

#include <fmt/format.h>
#include <httplib.h>
#include <signal.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <utility>

#include "base/result.h"
#include "cli/arguments.h"
#include "daemon/runtime_directory.h"

namespace weft::cli {

namespace {

using namespace std::chrono_literals;
using nlohmann::ordered_json;

constexpr int kInterrupted = 130;                // as a shell tells it
constexpr std::chrono::seconds kAnswerTime{60};  // a weftd answers at once, or is not well
constexpr std::chrono::milliseconds kFirstPause{10};
constexpr std::chrono::milliseconds kLongestPause{500};

// While it lives, SIGINT and SIGTERM wait to be asked for.
class HeldSignals {
 public:
  HeldSignals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  bool came_within(std::chrono::milliseconds time) const {
    const timespec pause{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
    return ::sigtimedwait(&set_, nullptr, &pause) > 0;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

Refusal refusal_of(ordered_json body) {
  Refusal refusal;
  if (body.is_object() && body.contains("error") && body["error"].is_object()) {
    refusal.name = body["error"].value("errno", "");
    refusal.message = body["error"].value("message", "");
  }
  if (refusal.message.empty()) refusal.message = "weftd gives an answer that this weft does not understand";
  refusal.body = std::move(body);
  return refusal;
}

}  // namespace

void add_client_options(CLI::App& app, ClientOptions& options, bool prints_table) {
  app.add_option(
         "--socket", options.socket,
         "of the weftd to ask; default $WEFT_SOCKET, or weftd.sock in $RUNTIME_DIRECTORY, /run/weft or "
         "$XDG_RUNTIME_DIR/weft")
      ->envname("WEFT_SOCKET")
      ->type_name("PATH");
  if (prints_table) app.add_flag("--json", options.json, "print JSON");
}

std::expected<DaemonClient::Reply, Refusal> DaemonClient::send(const std::string& method,
                                                               const std::string& target,
                                                               const std::string& body) const {
  std::string socket = given_;
  if (socket.empty()) {
    const auto directory = daemon::find_runtime_directory();
    if (!directory) return std::unexpected(Refusal{.message = directory.error().message});
    socket = fmt::format("{}/{}", *directory, daemon::kSocketName);
  }
  httplib::ClientImpl client(socket, 80);
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(kAnswerTime);
  httplib::Request request;
  request.method = method;
  request.path = target;
  request.set_header("Host", "weft");
  request.body = body;
  if (!body.empty()) request.set_header("Content-Type", "application/json");
  errno = 0;
  const auto answer = client.send(request);
  if (!answer) {
    const bool unreached = answer.error() == httplib::Error::Connection;
    return std::unexpected(
        Refusal{.message = fmt::format("{}: {}", socket,
                                       unreached ? "no weftd answers there; start one, or name its --socket"
                                                 : "weftd ended the connection without an answer")});
  }
  ordered_json parsed = nullptr;
  if (!answer->body.empty()) parsed = ordered_json::parse(answer->body, nullptr, false);
  return Reply{answer->status, std::move(parsed)};
}

std::expected<DaemonClient::Reply, Refusal> DaemonClient::await(const ordered_json& accepted) const {
  const std::string href = accepted.value("href", "");
  const HeldSignals signals;
  for (auto pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    if (signals.came_within(pause))
      return std::unexpected(
          Refusal{.message = fmt::format("interrupted; operation {} goes on: weft status shows it",
                                         accepted.value("id", "")),
                  .is_interrupted = true});
    auto asked = send("GET", href, "");
    if (!asked || asked->status != 200) return asked;
    if (asked->body.value("done", false)) return Reply{asked->body.value("status", 0), asked->body["result"]};
  }
}

Answered DaemonClient::call(const std::string& method, const std::string& target,
                            const ordered_json& body) const {
  auto reply = send(method, target, body.is_null() ? "" : body.dump());
  if (reply && reply->status == 202) reply = await(reply->body);
  if (!reply) return std::unexpected(std::move(reply.error()));
  if (reply->status >= 200 && reply->status < 300 && !reply->body.is_discarded())
    return std::move(reply->body);
  return std::unexpected(refusal_of(std::move(reply->body)));
}

std::string tree_path(std::string_view path) {
  std::string plain;
  for (const char c : path)
    if (c != '/' || (!plain.empty() && plain.back() != '/')) plain += c;
  if (plain.ends_with('/')) plain.pop_back();
  return plain;
}

std::string tree_target(std::string_view path) {
  std::string target = "/v1/tree/";
  for (const char c : tree_path(path)) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("/-._~").find(c) != std::string_view::npos)
      target += c;
    else
      target += fmt::format("%{:02X}", byte);
  }
  return target;
}

std::string relative_target(std::string_view path, std::string_view target) {
  const std::string plain = tree_path(target);
  if (!plain.starts_with("target/core/")) return std::string(target);
  std::string relative;
  for (const char c : tree_path(path))
    if (c == '/') relative += "../";
  return relative + plain;
}

int report(std::string_view command, const Refusal& refusal) {
  fmt::print(stderr, "{}: {}\n", command, refusal.message);
  return refusal.is_interrupted ? kInterrupted : kFailed;
}

}  // namespace weft::cli
