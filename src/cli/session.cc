#include "cli/session.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "base/text.h"
#include "daemon/log.h"

namespace weft::cli {

// While the target starts, problems are collected in the words of the command line; all else goes to the log.
class Session::Journal final : public daemon::Journal {
 public:
  explicit Journal(const Plan& plan) {
    for (const Export& each : plan.exports) names_.emplace_back(each.device, each.text);
  }

  void collect(bool on) {
    const std::scoped_lock lock(mutex_);
    collecting_ = on;
  }
  std::vector<std::string> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(problems_, {});
  }

  void problem(std::string_view path, std::string_view reason) override {
    const std::scoped_lock lock(mutex_);
    if (!collecting_) return log_.problem(path, reason);
    problems_.push_back(in_words(path, reason));
  }
  void note(std::string_view path, std::string_view what) override { log_.note(path, what); }
  void listening(std::string_view /*port*/) override {}
  void note(const fabric::Path& path, std::string_view what) override { log_.note(path, what); }

 private:
  // The path of an item in the tree says nothing to who wrote a command line, except where no export and no
  // address is named instead.
  std::string in_words(std::string_view path, std::string_view reason) const {
    std::string text(reason);
    for (const auto& [device, written] : names_) {
      if (!path.ends_with(device)) continue;
      const std::string own = fmt::format("export \"{}\"", written);
      const std::size_t at = text.find(device);
      return at == std::string::npos ? own + ": " + text : text.replace(at, device.size(), own);
    }
    if (path.find("/ports/") != std::string_view::npos) return text;
    return fmt::format("{}: {}", path, text);
  }

  daemon::LogJournal log_;
  std::mutex mutex_;
  bool collecting_ = false;
  std::vector<std::string> problems_;
  std::vector<std::pair<std::string, std::string>> names_;  // device, as it was written
};

Session::Session(Plan plan, std::unique_ptr<Journal> journal)
    : plan_(std::move(plan)), journal_(std::move(journal)) {}

Session::~Session() = default;

// The listeners come when all else is there: no host meets a half of it.
bool Session::serve_plan() {
  config::Document closed = plan_.document;
  closed.discovery_ports.clear();
  for (auto& [nqn, subsystem] : closed.subsystems) subsystem.ports.clear();
  journal_->collect(true);
  const bool served = server_->apply(closed) == 0 && server_->apply(plan_.document) == 0;
  journal_->collect(false);
  plan_.reserved.clear();
  return served;
}

std::expected<std::unique_ptr<Session>, std::vector<std::string>> Session::start(
    Plan plan, const TargetOptions& options) {
  auto journal = std::make_unique<Journal>(plan);
  std::unique_ptr<Session> session(new Session(std::move(plan), std::move(journal)));
  auto server = daemon::Server::start({.reactors = options.reactors, .state_dir = options.state_dir},
                                      *session->journal_);
  if (!server) return std::unexpected(std::vector{std::move(server.error().message)});
  session->server_ = std::move(*server);
  if (session->serve_plan()) return session;
  auto problems = session->journal_->take();
  session->stop();
  return std::unexpected(std::move(problems));
}

std::string Session::size_of(const Export& each) const {
  for (const auto& backend : server_->backends())
    if (backend->name() == each.device) return size_text(backend->geometry().bytes());
  return "gone";
}

void Session::stop() {
  if (server_->stop()) return server_.reset();
  daemon::stop_log();
  daemon::Server::abandon();
}

}  // namespace weft::cli
