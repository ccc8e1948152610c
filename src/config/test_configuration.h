// What the configuration's tests start from: a target on loops that the test turns, plugins whose devices
// open, fail or wait at a gate, a transport that only notes what is asked of it, and a journal.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/test_loop.h"
#include "config/configuration.h"
#include "config/test_gate.h"
#include "target/target.h"

namespace weft::config {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Everything that happened, in order.  Any thread.
class TestJournal final : public Journal {
 public:
  void problem(std::string_view path, std::string_view reason) override {
    add("problem " + std::string(path) + ": " + std::string(reason));
  }
  void note(std::string_view path, std::string_view what) override {
    add("note " + std::string(path) + ": " + std::string(what));
  }
  void listening(std::string_view port) override { add("listening " + std::string(port)); }

  void add(std::string line) {
    if (hears) hears(line);
    const std::scoped_lock lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::function<void(const std::string& line)> hears;  // by whoever says it, before it is here
  std::vector<std::string> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class TestBackend final : public block::Backend {
 public:
  TestBackend(const block::OpenOptions& options, TestJournal& journal)
      : Backend(options.name, options.serial), journal_(journal) {}
  ~TestBackend() override { journal_.add("closed " + name()); }
  block::Geometry geometry() const override {
    return {.blocks = blocks_.load(),
            .discard_granularity_blocks = discards ? 8u : 0u,
            .volatile_cache = true,
            .read_only = !discards};
  }
  std::unique_ptr<block::Channel> open_channel(Loop&) override { return nullptr; }
  std::string info() const override { return "test disk"; }
  Result<> refresh() override {
    if (refresh_fails) return fail(EIO, name() + ": its size cannot be read");
    if (blocks_.exchange(next_blocks) != next_blocks) notify_geometry_changed();
    return {};
  }
  std::atomic<std::uint64_t> next_blocks = 100;
  std::atomic<bool> refresh_fails = false;
  std::atomic<bool> discards = true;  // and takes writes

 private:
  TestJournal& journal_;
  std::atomic<std::uint64_t> blocks_ = 100;
};

class TestListener final : public fabric::Listener {
 public:
  using Stopped = std::function<void(const std::string& service)>;
  TestListener(fabric::ListenOptions options, TestJournal& journal, const Stopped& stopped)
      : options_(std::move(options)), journal_(journal), stopped_(stopped) {}
  ~TestListener() override {
    journal_.add("stopped " + options_.traddr + ":" + options_.trsvcid);
    if (stopped_) stopped_(options_.trsvcid);
  }
  std::string traddr() const override { return options_.traddr; }
  std::string trsvcid() const override { return options_.trsvcid; }

 private:
  const fabric::ListenOptions options_;
  TestJournal& journal_;
  const Stopped& stopped_;
};

class TestTransport final : public fabric::Transport {
 public:
  explicit TestTransport(TestJournal& journal) : journal_(journal) {}
  std::string_view name() const override { return "tcp"; }
  wire::TransportType trtype() const override { return wire::TransportType::tcp; }
  Result<fabric::ListenOptions> canonical(const fabric::ListenOptions& options) const override {
    if (options.traddr == "nonsense") return fail(EINVAL, "\"nonsense\" must be an address");
    if (options.traddr == "0:0::1") return fabric::ListenOptions{"::1", options.trsvcid};
    return options;
  }
  wire::AddressFamily adrfam(const fabric::ListenOptions& options) const override {
    return options.traddr.find(':') == std::string::npos ? wire::AddressFamily::ipv4
                                                         : wire::AddressFamily::ipv6;
  }
  Result<std::unique_ptr<fabric::Listener>> listen(const fabric::ListenOptions& options,
                                                   fabric::Acceptor& acceptor) override {
    const std::scoped_lock lock(mutex_);  // listeners of different addresses open at the same time
    if (busy > 0) {
      --busy;
      return fail(EADDRINUSE, "another socket holds this address");
    }
    if (options.trsvcid == "1") return fail(EACCES, "tcp:" + options.traddr + ":1: not permitted");
    acceptors[options.trsvcid] = static_cast<target::Port*>(&acceptor);
    offered_first = acceptors[options.trsvcid]->subsystems().size();
    return std::make_unique<TestListener>(options, journal_, stopped);
  }
  std::map<std::string, target::Port*> acceptors;  // by service
  TestListener::Stopped stopped;                   // told of each listener that stops
  int busy = 0;                                    // so many more times the address is in use
  std::size_t offered_first = 0;                   // subsystems that the last listener began with

 private:
  std::mutex mutex_;
  TestJournal& journal_;
};

class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest() {
    static constexpr block::ControlKey kKeys[] = {{"block_size", "any"},
                                                  {"buffered", "0 or 1"},
                                                  {"how", "good, fail, gate or alone"},
                                                  {"path", "may end in .fail or .gate"},
                                                  {"size", "any"}};
    const auto open = [this](const block::OpenOptions& options) { return open_device(options); };
    plugins_ = {{.name = "disk",
                 .summary = "",
                 .keys = kKeys,
                 .open = open,
                 .path_kind = block::PathKind::file,
                 .path_key = "path",
                 .buffered_key = "buffered"},
                {.name = "ram", .summary = "", .keys = kKeys, .open = open, .keeps_data = false}};
    start();
  }
  ~ConfigurationTest() override { stop(); }

  void start() { start(state_); }
  void start(StateStore& state) {
    transport_ = std::make_unique<TestTransport>(journal_);
    transports_ = {transport_.get()};
    target_ = std::make_unique<target::Target>(loops_);
    configuration_ = std::make_unique<Configuration>(Parts{.target = *target_,
                                                           .plugins = plugins_,
                                                           .transports = transports_,
                                                           .state = state,
                                                           .store = *store_,
                                                           .journal = journal_},
                                                     patience_);
  }
  void stop() {
    if (configuration_ == nullptr) return;
    gate_->open();
    EXPECT_TRUE(configuration_->close(kTestPatience));
    configuration_.reset();
    loops_.run_until_idle();
    target_.reset();
  }
  void restart(Patience patience) {
    stop();
    gate_ = make_gate();
    patience_ = patience;
    start();
  }

  std::size_t apply(const std::string& text) {
    const auto parsed = parse_document(text);
    EXPECT_TRUE(parsed) << parsed.error().message;
    EXPECT_TRUE(parsed->problems.empty()) << parsed->problems.front().text();
    const std::size_t problems = configuration_->apply(parsed->document);
    loops_.run_until_idle();
    return problems;
  }

  // For what other threads do.
  template <class Condition>
  bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kTestPatience;
    while (!condition()) {
      loops_.run_until_idle();
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::shared_ptr<const target::Snapshot> snapshot(const std::string& nqn) const {
    return target_->find_subsystem(nqn)->snapshot();
  }
  std::shared_ptr<const target::NamespaceInfo> find_namespace(const std::string& nqn,
                                                              std::uint32_t nsid) const {
    const auto subsystem = target_->find_subsystem(nqn);
    if (subsystem == nullptr) return nullptr;
    const auto current = subsystem->snapshot();
    for (const auto& each : current->namespaces)
      if (each->nsid == Nsid(nsid)) return each;
    return nullptr;
  }
  TestBackend& backend(const std::string& name) const {
    const std::scoped_lock lock(backends_mutex_);
    return *backends_.at(name).lock();
  }

  Patience patience_{.open = kTestPatience, .close = kTestPatience, .sweep = std::chrono::hours(1)};
  TestLoops loops_{2};
  TestJournal journal_;
  StateStore state_{""};
  NoStore no_store_;
  Store* store_ = &no_store_;
  std::shared_ptr<Gate> gate_ = make_gate();
  std::vector<block::Plugin> plugins_;
  std::unique_ptr<TestTransport> transport_;
  std::vector<fabric::Transport*> transports_;
  std::unique_ptr<target::Target> target_;
  std::unique_ptr<Configuration> configuration_;

 private:
  Result<std::shared_ptr<block::Backend>> open_device(const block::OpenOptions& options) {
    const auto value = [&options](const char* key) {
      const auto it = options.control.find(key);
      return it == options.control.end() ? std::string() : it->second;
    };
    if (value("how") == "fail") return fail(ENOENT, "how \"fail\": this device never opens");
    if (value("path").ends_with(".fail")) return fail(EROFS, "path: it never opens");
    if (value("how") == "gate" || value("path").ends_with(".gate")) gate_->pass();
    const std::scoped_lock lock(backends_mutex_);
    if (value("how") == "alone" && !alone_.expired()) return fail(EBUSY, "another is open");
    auto backend = std::make_shared<TestBackend>(options, journal_);
    if (value("how") == "alone") alone_ = backend;
    backends_[options.name] = backend;
    return backend;
  }

  mutable std::mutex backends_mutex_;
  std::map<std::string, std::weak_ptr<TestBackend>> backends_;
  std::weak_ptr<TestBackend> alone_;
};

}  // namespace weft::config
