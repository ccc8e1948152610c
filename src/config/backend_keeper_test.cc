#include "config/backend_keeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "config/test_gate.h"

namespace weft::config {
namespace {

using namespace std::chrono_literals;

class ClosingBackend final : public block::Backend {
 public:
  explicit ClosingBackend(std::shared_ptr<Gate> gate, std::atomic<std::thread::id>* closer = nullptr)
      : Backend("test_0/closing", Uuid{}), gate_(std::move(gate)), closer_(closer) {}
  ~ClosingBackend() override {
    if (closer_ != nullptr) *closer_ = std::this_thread::get_id();
    gate_->pass();
  }
  block::Geometry geometry() const override { return {}; }
  std::unique_ptr<block::Channel> open_channel(Loop&) override { return nullptr; }
  std::string info() const override { return "test"; }

 private:
  std::shared_ptr<Gate> gate_;
  std::atomic<std::thread::id>* closer_;
};

TEST(BackendKeeper, ClosesElsewhereWhenTheLastLetsGo) {
  BackendKeeper keeper;
  const auto gate = make_gate();
  std::atomic<std::thread::id> closer;
  auto backend = keeper.keep(std::make_shared<ClosingBackend>(gate, &closer));
  EXPECT_EQ(backend->name(), "test_0/closing");
  auto second = backend;
  backend.reset();
  EXPECT_FALSE(keeper.wait_until_open(0, Duration(0))) << "somebody has it still";
  second.reset();  // would not return here if it closed on this thread
  ASSERT_TRUE(gate->wait_for_waiting(1));
  EXPECT_NE(closer.load(), std::this_thread::get_id());
  EXPECT_FALSE(keeper.wait_until_open(0, 1ms)) << "it closes still";
  EXPECT_TRUE(keeper.wait_until_open(1, Duration(0)));
  gate->open();
  EXPECT_TRUE(keeper.wait_until_open(0, kTestPatience));
}

TEST(BackendKeeper, OneThatHangsDelaysNoOther) {
  BackendKeeper keeper;
  const auto hang = make_gate();
  const auto open = make_gate();
  open->open();
  constexpr int kHanging = 40;  // more than there are places
  for (int i = 0; i < kHanging; ++i) keeper.keep(std::make_shared<ClosingBackend>(hang)).reset();
  for (int i = 0; i < 10; ++i) keeper.keep(std::make_shared<ClosingBackend>(open)).reset();
  EXPECT_TRUE(keeper.wait_until_open(kHanging, kTestPatience));
  hang->open();
  EXPECT_TRUE(keeper.wait_until_open(0, kTestPatience));
}

TEST(BackendKeeper, ABackendMayOutliveIt) {
  const auto gate = make_gate();
  gate->open();
  std::shared_ptr<block::Backend> backend;
  {
    BackendKeeper keeper;
    backend = keeper.keep(std::make_shared<ClosingBackend>(gate));
  }
  backend.reset();
  EXPECT_TRUE(gate->wait_for_passed(1));
}

}  // namespace
}  // namespace weft::config
