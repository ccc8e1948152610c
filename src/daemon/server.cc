#include "daemon/server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "backends/ramdisk/ram_budget.h"
#include "config/configuration.h"
#include "config/model_tree.h"
#include "config/sqlite_store.h"
#include "config/subtree.h"
#include "daemon/attachment_routes.h"
#include "daemon/attachments.h"
#include "daemon/document_routes.h"
#include "daemon/flush_all.h"
#include "daemon/plugins.h"
#include "daemon/status_route.h"
#include "daemon/version.h"
#include "faces/fuse/fuse_mount.h"
#include "faces/http/http_face.h"
#include "reactor/reactor.h"
#include "target/target.h"
#include "transports/loop/transport.h"
#include "transports/tcp/initiator.h"
#include "transports/tcp/transport.h"

namespace weft::daemon {

namespace {

using namespace std::chrono_literals;

constexpr unsigned kMostReactors = 4;  // unless more are asked for
constexpr auto kCommandTime = 3s;      // for commands in flight
constexpr auto kConnectionTime = 1s;
constexpr auto kPatience = 3s;  // while no backend flushes or closes; many that do take their time
constexpr auto kEndTime = 8s;   // for each of what ends soon or never

unsigned default_reactors() {
  return std::clamp(std::thread::hardware_concurrency(), 1u, kMostReactors);
}

// Ends the process when its scope takes too long for whatever reason.
class Watchdog {
 public:
  explicit Watchdog(Duration time) {
    thread_ = std::thread([this, time] {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, time, [this] { return ended_; })) Server::abandon();
    });
  }
  ~Watchdog() {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread thread_;
};

Result<std::string> show(config::Tree& tree, const std::string& directory,
                         std::unique_ptr<faces::FuseMount>& into) {
  auto mount = faces::FuseMount::mount(tree, {.directory = directory});
  if (!mount) return std::unexpected(std::move(mount.error()));
  into = std::move(*mount);
  return into->directory();
}

void put_filter(block::Plugin& plugin, const ServerOptions& options) {
  plugin.open = [open = std::move(plugin.open), filter = options.filter](
                    const block::OpenOptions& what) -> Result<std::shared_ptr<block::Backend>> {
    auto opened = open(what);
    if (!opened) return opened;
    return filter(std::move(*opened));
  };
}

}  // namespace

struct Server::Machinery {
  Machinery(const std::string& state_dir, Journal& its_journal)
      : journal(its_journal),
        state(state_dir.empty() ? config::StateStore::default_directory() : state_dir) {}

  Journal& journal;
  config::StateStore state;
  config::NoStore no_store;
  std::unique_ptr<config::SqliteStore> kept;  // null: none
  backends::RamBudget budget{backends::RamBudget::default_limit()};
  std::unique_ptr<reactor::Reactors> reactors;
  std::unique_ptr<tcp::TcpTransport> tcp;
  std::unique_ptr<loop::LoopTransport> loop;
  std::unique_ptr<tcp::TcpInitiator> tcp_host;
  std::unique_ptr<target::Target> target;
  std::vector<block::Plugin> plugins;
  std::vector<fabric::Transport*> transports;
  std::unique_ptr<config::Configuration> configuration;
  std::unique_ptr<config::ModelTree> tree;
  std::unique_ptr<config::Subtree> kernel_tree;
  std::unique_ptr<faces::FuseMount> mount;
  std::unique_ptr<faces::FuseMount> kernel_mount;
  std::unique_ptr<Attachments> attachments;
  std::unique_ptr<Health> health;
  std::unique_ptr<faces::HttpFace> socket;

  void assemble(const ServerOptions& options) {
    plugins = make_plugins(budget, *reactors);
    if (options.filter)
      for (block::Plugin& plugin : plugins) put_filter(plugin, options);
    tcp = std::make_unique<tcp::TcpTransport>(*reactors, tcp::Options{.journal = &journal});
    loop = std::make_unique<loop::LoopTransport>(*reactors);
    transports = {tcp.get(), loop.get()};
    tcp_host = std::make_unique<tcp::TcpInitiator>(*reactors);
    target = std::make_unique<target::Target>(*reactors);
    configuration = std::make_unique<config::Configuration>(config::Parts{.target = *target,
                                                                          .plugins = plugins,
                                                                          .transports = transports,
                                                                          .state = state,
                                                                          .store = store(),
                                                                          .journal = journal},
                                                            config::Patience{});
    tree = std::make_unique<config::ModelTree>(configuration->model());
    attachments =
        std::make_unique<Attachments>(*reactors, std::vector<fabric::Initiator*>{tcp_host.get(), loop.get()});
  }

  config::Store& store() { return kept == nullptr ? static_cast<config::Store&>(no_store) : *kept; }
  // Before the configuration is taken down, which is no change of it.
  void end_store() {
    if (kept != nullptr) kept->end();
  }

  bool flush();
  bool await_connections();
};

Server::Server() = default;

Server::~Server() {
  if (machinery_ == nullptr) return;
  machinery_->socket.reset();
  machinery_->health.reset();
  machinery_->attachments.reset();
  machinery_->mount.reset();
  machinery_->kernel_mount.reset();
  machinery_->tree.reset();
  machinery_->end_store();
  machinery_->configuration->close(kPatience);
  machinery_->configuration.reset();
  machinery_->reactors->stop();
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Journal& journal) {
  std::unique_ptr<Server> server(new Server);
  auto machinery = std::make_unique<Machinery>(options.state_dir, journal);
  if (auto loaded = machinery->state.load(); !loaded)
    journal.problem("state", loaded.error().message + "; identities are new in this process");
  if (!options.store.empty()) {
    auto kept = config::SqliteStore::open(options.store, journal);
    if (!kept) return std::unexpected(std::move(kept.error()));
    machinery->kept = std::move(*kept);
  }
  const unsigned count = options.reactors.count == 0 ? default_reactors() : options.reactors.count;
  auto reactors = reactor::Reactors::start(
      {.count = std::max(count, options.reactors.most), .in_use = count, .spin = options.reactors.spin});
  if (!reactors) return std::unexpected(std::move(reactors.error()));
  for (const auto& warning : (*reactors)->warnings()) spdlog::warn("{}", warning);
  machinery->reactors = std::move(*reactors);
  machinery->assemble(options);
  machinery->health = std::make_unique<Health>(*machinery->target, journal, options.health);
  server->machinery_ = std::move(machinery);
  return server;
}

Result<> Server::load() {
  if (machinery_->kept == nullptr) return {};
  auto rows = machinery_->kept->read();
  if (!rows) return std::unexpected(std::move(rows.error()));
  machinery_->configuration->load(std::move(*rows));
  machinery_->kept->begin();
  return {};
}

std::size_t Server::apply(const config::Document& document) {
  return machinery_->configuration->apply(document);
}

std::vector<std::string> Server::listening() const {
  return machinery_->configuration->listening();
}

std::vector<std::shared_ptr<block::Backend>> Server::backends() const {
  return machinery_->configuration->backends();
}

config::StateStore& Server::state() {
  return machinery_->state;
}

Result<std::string> Server::mount_tree(const std::string& directory) {
  return show(*machinery_->tree, directory, machinery_->mount);
}

Result<std::string> Server::mount_kernel_tree(const std::string& directory) {
  machinery_->kernel_tree = std::make_unique<config::Subtree>(*machinery_->tree, "kernel/nvmet");
  return show(*machinery_->kernel_tree, directory, machinery_->kernel_mount);
}

Result<> Server::serve_socket(const faces::SocketOptions& options) {
  auto routes = document_routes(*machinery_->configuration, *machinery_->tree);
  routes.push_back(status_route(*machinery_->configuration, *machinery_->reactors, *machinery_->health));
  for (auto& each : attachment_routes(*machinery_->attachments, *machinery_->configuration))
    routes.push_back(std::move(each));
  auto socket = faces::HttpFace::start(*machinery_->tree,
                                       {.socket = options, .version = kVersion, .more = std::move(routes)});
  if (!socket) return std::unexpected(std::move(socket.error()));
  machinery_->socket = std::move(*socket);
  return {};
}

bool Server::Machinery::flush() {
  const FlushOutcome outcome = flush_all(*reactors, configuration->backends(), kPatience);
  for (const auto& each : outcome.failed) spdlog::error("flush at the end: {}", each);
  for (const auto& each : outcome.hanging)
    spdlog::error(
        "flush at the end: {}: no answer, and none of others for {} s; what was not flushed may be lost",
        each, kPatience.count());
  return outcome.hanging.empty();
}

bool Server::Machinery::await_connections() {
  tcp->shut_down();
  loop->shut_down();
  const auto end = std::chrono::steady_clock::now() + kConnectionTime;
  while (tcp->connections() + loop->connections() > 0) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

bool Server::stop() {
  Machinery& its = *machinery_;
  bool clean = true;
  {
    const Watchdog watchdog(kEndTime);
    its.socket.reset();
    its.attachments.reset();
    its.mount.reset();
    its.kernel_mount.reset();
    its.end_store();
    its.configuration->close_listeners();
    clean = its.target->shut_down(kCommandTime);
  }
  its.health.reset();
  if (!clean) spdlog::error("commands still hang at a backend; they are left unanswered");
  clean = its.flush() && clean;
  clean = its.await_connections() && clean;
  const auto opening = its.configuration->opening();
  if (!opening.empty()) spdlog::error("still opening: {}", fmt::join(opening, ", "));
  clean = its.configuration->close(kPatience) && clean;
  if (!clean) return false;
  const Watchdog watchdog(kEndTime);
  machinery_->tree.reset();
  machinery_->configuration.reset();
  machinery_->reactors->stop();
  machinery_->target.reset();
  machinery_->tcp.reset();
  machinery_->loop.reset();
  machinery_.reset();
  return true;
}

void Server::abandon() {
  constexpr std::string_view kText = "weft: a backend hangs and cannot be closed: ending without it\n";
  (void)!::write(STDERR_FILENO, kText.data(), kText.size());
  ::_exit(1);
}

}  // namespace weft::daemon
