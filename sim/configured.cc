#include "sim/configured.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "block/memory_backend.h"
#include "sim/target_process.h"

namespace weft::sim {

namespace {

constexpr const char* kAdapter = "target/core/sim_0";
constexpr const char* kMain = "sim_0/main";
constexpr Duration kPatience = std::chrono::seconds(30);

block::Plugin make_plugin(const std::shared_ptr<block::Backend>& disk) {
  return {.name = "sim",
          .summary = "a simulated disk",
          .keys = {},
          .open = [disk](const block::OpenOptions& options) -> Result<std::shared_ptr<block::Backend>> {
            if (options.name == kMain) return disk;
            return std::make_shared<block::MemoryBackend>(64, 512);
          }};
}

}  // namespace

Configured::Configured(World& world, Options options)
    : world_(world),
      options_(std::move(options)),
      plugins_{make_plugin(options_.disk)},
      transports_{&options_.transport},
      state_(std::filesystem::path(options_.database).parent_path()) {
  world_.threads().start(options_.loops, [this] { live(); });
}

Configured::~Configured() = default;

void Configured::found(const std::string& what) {
  if (!violation_.empty()) return;
  violation_ = what;
  world_.note("VIOLATION {}", what);
}

void Configured::problem(std::string_view path, std::string_view reason) {
  if (path == "store") return note(path, reason);  // as its disk was full, whoever made a change is told too
  found(fmt::format("weftd has a problem: {}: {}", path, reason));
}

void Configured::note(std::string_view path, std::string_view what) {
  world_.note("weftd: {}: {}", path, what);
}

void Configured::listening(std::string_view port) {
  world_.note("weftd listens on {}", port);
}

Result<> Configured::load() {
  if (auto loaded = state_.load(); !loaded) return loaded;
  auto store = config::SqliteStore::open(options_.database, *this);
  if (!store) return std::unexpected(std::move(store.error()));
  store_ = std::move(*store);
  configuration_ = std::make_unique<config::Configuration>(config::Parts{.target = options_.target,
                                                                         .plugins = plugins_,
                                                                         .transports = transports_,
                                                                         .state = state_,
                                                                         .store = *store_,
                                                                         .journal = *this},
                                                           config::Patience{});
  tree_ = std::make_unique<config::ModelTree>(configuration_->model());
  auto rows = store_->read();
  if (!rows) return std::unexpected(std::move(rows.error()));
  world_.note("weftd finds {} rows in its store", rows->size());
  configuration_->load(std::move(*rows));
  store_->begin();
  return {};
}

void Configured::live() {
  if (const auto loaded = load(); !loaded) return found("weftd does not start: " + loaded.error().message);
  make_disk();
  is_ready_ = true;
  world_.note("weftd is ready");
}

// What a start before this one has made of it stays.
void Configured::make_disk() {
  Hands hands(*tree_);
  const std::string subsystem = fmt::format("nvmet/subsystems/{}", kNqn);
  const std::string port = fmt::format("{}/ports/tcp:{}:{}", subsystem, kTraddr, trsvcid_of(0));
  const auto must = [this](const Result<>& done) {
    if (!done && done.error().code != EEXIST) found("the disk cannot be made: " + done.error().message);
  };
  must(hands.mkdir(kAdapter));
  must(hands.mkdir(std::string("target/core/") + kMain));
  must(hands.echo("1", std::string("target/core/") + kMain + "/enable"));
  must(hands.mkdir(subsystem));
  for (const std::string& host : options_.hosts) must(hands.mkdir(subsystem + "/hosts/" + host));
  must(hands.mkdir(subsystem + "/namespaces/1"));
  must(hands.ln(std::string("/weft/target/core/") + kMain, subsystem + "/namespaces/1/main"));
  must(hands.mkdir(port));
  must(hands.echo("1", port + "/enable"));
}

void Configured::with_hands(std::function<void(Hands)> work) {
  world_.threads().start(options_.loops, [this, work = std::move(work)] { work(Hands(*tree_)); });
}

std::shared_ptr<target::Subsystem> Configured::subsystem() const {
  return options_.target.find_subsystem(kNqn);
}

void Configured::close() {
  world_.threads().start(options_.loops, [this] {
    tree_.reset();
    store_->end();
    if (!configuration_->close(kPatience)) found("the configuration does not close");
    configuration_.reset();
    store_.reset();
    is_closed_ = true;
  });
}

}  // namespace weft::sim
