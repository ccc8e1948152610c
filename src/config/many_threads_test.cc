// 16 threads, both layouts, the same objects.  What one thread has for itself is at each moment what the
// reference model says; what all fight about is in the end the same in both layouts, in the document, and in
// the store.
//
// WEFT_SEED in the environment decides what each thread does, not which comes first.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "block/delay.h"
#include "block/fault.h"
#include "block/memory_backend.h"
#include "config/test_actor.h"
#include "config/test_memory_store.h"
#include "config/test_model_tree.h"

namespace weft::config {
namespace {

constexpr unsigned kActors = 16;

int steps() {
  const char* const sanitizer = std::getenv("WEFT_SANITIZE");
  return sanitizer == nullptr || *sanitizer == 0 ? 2000 : 300;
}

class ManyThreads : public ModelTreeTest {
 protected:
  ManyThreads() {
    tree_.reset();
    stop();
    static constexpr block::ControlKey kKeys[] = {
        {"buffered", "0 or 1"}, {"how", "good, slow, broken or fail"}, {"path", "may end in .fail"}};
    plugins_ = {{.name = "mem",
                 .summary = "",
                 .keys = kKeys,
                 .open = [this](const block::OpenOptions& options) { return open_memory(options); },
                 .path_kind = block::PathKind::file,
                 .path_key = "path",
                 .buffered_key = "buffered"}};
    store_ = &memory_;
    start();
    tree_.emplace(configuration_->model());
    char name[] = "/tmp/weft-many-XXXXXX";
    folder_ = ::mkdtemp(name);
    for (const char* file : {"/a", "/b", "/a.fail"}) std::ofstream(folder_ + file);
  }
  ~ManyThreads() override {
    tree_.reset();
    stop();
    std::filesystem::remove_all(folder_);
  }

  Result<std::shared_ptr<block::Backend>> open_memory(const block::OpenOptions& options) {
    const auto has = [&](const char* key, std::string_view end) {
      const auto it = options.control.find(key);
      return it != options.control.end() && it->second.ends_with(end);
    };
    if (has("how", "slow")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (has("how", "fail") || has("path", ".fail")) return fail(EIO, "it never opens");
    auto delay = std::make_shared<block::DelayBackend>(std::make_shared<block::MemoryBackend>(64, 512));
    delay->set_latency(std::chrono::milliseconds(has("how", "slow") ? 200 : 20));
    auto fault = std::make_shared<block::FaultBackend>(delay);
    if (has("how", "broken")) fault->plan({.match = {.ops = op_bit(block::Op::flush)}});
    auto all = std::make_shared<block::StatsBackend>(fault);
    const std::scoped_lock lock(mutex_);
    backends_[options.name] = all;
    return all;
  }
  std::shared_ptr<block::StatsBackend> find_backend(const std::string& device) {
    const std::scoped_lock lock(mutex_);
    return backends_[device].lock();
  }

  // Turns the loops until all have played; says what hangs when nothing goes on any more.
  void play(std::vector<std::unique_ptr<Actor>>& actors, HostDesk& desk) {
    std::atomic<unsigned> playing = kActors;
    std::vector<std::jthread> threads;
    for (auto& actor : actors)
      threads.emplace_back([&] {
        actor->play(steps());
        --playing;
      });
    std::uint64_t calls = 0;
    auto last = std::chrono::steady_clock::now();
    while (playing > 0) {
      desk.serve();
      loops_.advance(std::chrono::milliseconds(1));
      std::uint64_t now = 0;
      for (const auto& actor : actors) now += actor->calls();
      if (std::exchange(calls, now) != now) last = std::chrono::steady_clock::now();
      if (std::chrono::steady_clock::now() - last > kTestPatience) say_what_hangs(actors);
      std::this_thread::yield();
    }
  }
  [[noreturn]] void say_what_hangs(const std::vector<std::unique_ptr<Actor>>& actors) const {
    std::fputs("nothing goes on any more\n", stderr);
    for (const auto& actor : actors) std::fprintf(stderr, "%s\n", actor->doing().c_str());
    for (const auto& each : configuration_->model().goings_on())
      std::fprintf(stderr, "%s %s\n", each.path.c_str(), std::string(each.what).c_str());
    std::abort();
  }

  static std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    return {std::istream_iterator<std::string>(stream), {}};
  }

  void expect_both_layouts_agree() {
    EXPECT_EQ(ls("nvmet/subsystems"), ls("kernel/nvmet/subsystems"));
    for (const auto& tenant : configuration_->model().subsystems()) {
      const std::string path = tenant->path();
      EXPECT_EQ(ls(path + "/hosts"), ls("kernel/" + path + "/allowed_hosts"));
      std::set<std::string> numbers;
      for (const auto& name : words(ls(path + "/namespaces")))
        numbers.insert(name.starts_with("ns_") ? name.substr(3) : name);
      EXPECT_EQ(joined(numbers), ls("kernel/" + path + "/namespaces"));
      for (const auto& [name, entry] : tenant->ports().entries()) {
        if (!entry.enable) continue;
        const std::string id = std::to_string(state_.port_id(name.text()).value());
        EXPECT_THAT(words(ls("kernel/nvmet/ports/" + id + "/subsystems")), Contains(tenant->nqn()))
            << name.text();
      }
    }
  }

  // Line by line, those that only one of them has.
  static std::string difference(const std::string& one, const std::string& other) {
    std::map<std::string, int> lines;
    for (const auto& [text, sign] : {std::pair(&one, 1), {&other, -1}}) {
      std::istringstream stream(*text);
      for (std::string line; std::getline(stream, line);) lines[line] += sign;
    }
    std::string all;
    for (const auto& [line, count] : lines)
      if (count != 0) all += (count > 0 ? "\n+" : "\n-") + line;
    return all;
  }
  void expect_kept() {
    EXPECT_EQ(difference(write_document(configuration_->model().document()),
                         write_document(read_rows(memory_.flush()).document)),
              "")
        << "+ is so, - is kept";
  }

  // As nvmetcli clears.
  void clear() {
    for (const auto& id : words(ls("kernel/nvmet/ports"))) {
      const std::string port = "kernel/nvmet/ports/" + id;
      for (const auto& nqn : words(ls(port + "/subsystems"))) EXPECT_EQ(rm(port + "/subsystems/" + nqn), 0);
      EXPECT_EQ(rmdir(port), 0) << said_;
    }
    EXPECT_EQ(ls("kernel/nvmet/ports"), "");
    for (const auto& nqn : words(ls("kernel/nvmet/subsystems"))) {
      const std::string subsystem = "kernel/nvmet/subsystems/" + nqn;
      for (const auto& host : words(ls(subsystem + "/allowed_hosts")))
        EXPECT_EQ(rm(subsystem + "/allowed_hosts/" + host), 0) << said_;
      for (const auto& nsid : words(ls(subsystem + "/namespaces")))
        EXPECT_EQ(rmdir(subsystem + "/namespaces/" + nsid), 0) << said_;
      EXPECT_TRUE(eventually([&] { return rmdir(subsystem) == 0; })) << said_;
    }
    for (const auto& host : words(ls("kernel/nvmet/hosts")))
      EXPECT_EQ(rmdir("kernel/nvmet/hosts/" + host), 0);
    for (const auto& adapter : words(ls("target/core"))) {
      for (const auto& device : words(ls("target/core/" + adapter)))
        EXPECT_EQ(rmdir("target/core/" + adapter + "/" + device), 0) << said_;
      EXPECT_EQ(rmdir("target/core/" + adapter), 0) << said_;
    }
  }

  void settle() {
    const auto is_quiet = [&] {
      loops_.advance(std::chrono::milliseconds(1));
      return configuration_->model().workshop()->workers.unfinished() == 0 &&
             configuration_->model().goings_on().empty();
    };
    ASSERT_TRUE(eventually(is_quiet));
  }

  MemoryStore memory_;
  std::string folder_;

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<block::StatsBackend>> backends_;
};

TEST_F(ManyThreads, EachFindsItsOwnAsItLeftItAndAllAgreeInTheEnd) {
  const char* const given = std::getenv("WEFT_SEED");
  const std::uint64_t seed = given == nullptr ? std::random_device()() : std::strtoull(given, nullptr, 0);
  SCOPED_TRACE(fmt::format("WEFT_SEED={}", seed));
  ASSERT_EQ(mkdir("target/core/mem_0"), 0);
  HostDesk desk;
  Stage stage{.tree = *tree_,
              .loops = loops_,
              .target = *target_,
              .desk = desk,
              .folder = folder_,
              .find_backend = [this](const std::string& device) { return find_backend(device); }};
  std::vector<std::unique_ptr<Actor>> actors;
  for (unsigned i = 0; i < kActors; ++i) actors.push_back(std::make_unique<Actor>(stage, i, seed));
  play(actors, desk);
  std::uint64_t successes = 0;
  for (const auto& actor : actors) {
    if (!actor->failure().empty()) ADD_FAILURE() << actor->failure();
    successes += actor->successes();
  }
  EXPECT_GT(successes, kActors * static_cast<unsigned>(steps()) / 6) << "the objects are hardly ever there";
  settle();
  expect_both_layouts_agree();
  expect_kept();
  clear();
  settle();
  EXPECT_TRUE(configuration_->listening().empty());
  EXPECT_EQ(write_document(configuration_->model().document()), write_document({}));
  expect_kept();
}

}  // namespace
}  // namespace weft::config
