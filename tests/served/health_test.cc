// What the daemon says when something takes too long.
#include "daemon/health.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "base/call.h"
#include "block/delay.h"
#include "block/memory_backend.h"
#include "served/served.h"

namespace weft::served {
namespace {

using namespace std::chrono_literals;
using raw_host::Bytes;
using raw_host::HostController;

constexpr std::uint32_t kBlockBytes = 512;
constexpr Nsid kNsid{1};
constexpr wire::LbaRange kRange{64, 8};

class Lines final : public config::Journal {
 public:
  void problem(std::string_view path, std::string_view reason) override { add("problem ", path, reason); }
  void note(std::string_view path, std::string_view what) override { add("note ", path, what); }
  void listening(std::string_view) override {}
  // How many have all these words.
  std::size_t count(const std::vector<std::string>& words) const {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(lines_, [&](const std::string& line) {
      return std::ranges::all_of(words,
                                 [&](const auto& word) { return line.find(word) != std::string::npos; });
    }));
  }
  std::string all() const {
    const std::scoped_lock lock(mutex_);
    std::string text;
    for (const auto& line : lines_) text += line + "\n";
    return text;
  }

 private:
  void add(std::string_view kind, std::string_view path, std::string_view what) {
    const std::scoped_lock lock(mutex_);
    lines_.push_back(std::string(kind).append(path).append(": ").append(what));
  }
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class HealthTest : public ::testing::Test {
 protected:
  std::unique_ptr<HostController> connect() {
    auto host = std::make_unique<HostController>(served_.host_options(), log_);
    host->connect_io(1);
    return host;
  }
  void hold_writes() {
    delay_->hold({.ops = block::op_bit(block::Op::write), .first = kRange.slba, .end = kRange.end()});
  }
  bool is_overdue(std::size_t commands) {
    return eventually([&] {
      const auto state = health_.state();
      return state.overdue.size() == 1 && state.overdue[0].commands == commands;
    });
  }
  bool nothing_is_overdue() {
    return eventually([&] { return health_.state().overdue.empty(); });
  }

  raw_host::PduLog log_;
  Lines lines_;
  std::shared_ptr<block::DelayBackend> delay_ =
      std::make_shared<block::DelayBackend>(std::make_shared<block::MemoryBackend>(8192, kBlockBytes));
  Served served_{delay_, {.reactors = 2}};
  daemon::Health health_{served_.target(), lines_, {.look = 20ms, .silence = 200ms, .overdue = 200ms}};
};

TEST_F(HealthTest, TellsWhoWaitsForABackendAndWhenThatIsOver) {
  const auto host = connect();
  hold_writes();
  const Bytes data = pattern(kRange.blocks * kBlockBytes, 1);
  host->submit_write(kNsid, kRange, data);
  host->submit_write(kNsid, kRange, data);
  ASSERT_TRUE(is_overdue(2));
  const target::Overdue one = health_.state().overdue[0];
  EXPECT_EQ(one.hostnqn, served_.host_options().hostnqn);
  EXPECT_EQ(one.subnqn, Served::kNqn);
  EXPECT_EQ(one.backend, delay_->name());
  EXPECT_EQ(one.oldest, "Write of namespace 1");
  EXPECT_GE(one.time, 200ms);
  EXPECT_EQ(lines_.count({"problem", one.hostnqn, "wait", "for the backend " + delay_->name(),
                          "Write of namespace 1", one.peer}),
            1u)
      << lines_.all();
  delay_->release();
  EXPECT_TRUE(nothing_is_overdue());
  EXPECT_TRUE(
      eventually([&] { return lines_.count({"note", "nothing waits for the backend any more"}) == 1; }));
  EXPECT_EQ(lines_.count({"problem"}), 1u) << "told once: " << lines_.all();
}

TEST_F(HealthTest, TellsWhatALostConnectionHasLeftBehind) {
  auto host = connect();
  hold_writes();
  host->submit_write(kNsid, kRange, pattern(kRange.blocks * kBlockBytes, 1));
  ASSERT_TRUE(eventually([&] { return delay_->held() == 1; }));
  host->io(0).connection().socket().reset();
  host->admin().connection().socket().reset();
  EXPECT_TRUE(eventually([&] {
    return lines_.count({"problem", "though their connection is lost, for the backend " + delay_->name()}) ==
           1;
  })) << lines_.all();
  delay_->release();
  EXPECT_TRUE(nothing_is_overdue());
}

TEST_F(HealthTest, AnIdleHostIsNotOverdue) {
  const auto host = connect();
  host->admin().submit(wire::make_async_event_request());
  std::this_thread::sleep_for(500ms);
  EXPECT_TRUE(health_.state().overdue.empty());
  EXPECT_EQ(lines_.all(), "");
}

TEST_F(HealthTest, TellsAReactorThatDoesNotComeRound) {
  std::mutex mutex;
  std::condition_variable changed;
  bool goes_on = false;
  post_call(*served_.reactors().all()[1], [&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return goes_on; });
  });
  EXPECT_TRUE(eventually([&] { return health_.state().silent[1].has_value(); }));
  EXPECT_FALSE(health_.state().silent[0].has_value());
  EXPECT_EQ(lines_.count({"problem reactor 1: it has not come round", "its thread", "is in state S"}), 1u)
      << lines_.all();
  {
    const std::scoped_lock lock(mutex);
    goes_on = true;
    changed.notify_all();
  }
  EXPECT_TRUE(eventually([&] { return lines_.count({"note reactor 1: it comes round again"}) == 1; }))
      << lines_.all();
  EXPECT_FALSE(health_.state().silent[1].has_value());
}

}  // namespace
}  // namespace weft::served
