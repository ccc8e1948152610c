#include "fabric/fake_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "base/test_loop.h"
#include "fabric/fake_test_support.h"
#include "wire/opcodes.h"

namespace weft::fabric {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// A target in miniature: enough for each helper, and it notes what it was asked.
class EchoQueue final : public Queue {
 public:
  explicit EchoQueue(Connection& connection) : connection_(connection) {}

  void receive(Reply reply) override {
    seen.push_back(reply.sqe());
    reply_ = std::move(reply);
    if (silent) {
      kept.push_back(std::move(reply_));
    } else if (pulls()) {
      memory_.assign(reply_.sqe().dptr.length, std::byte{0});
      piece_ = {memory_.data(), memory_.size()};
      pull_.owner = this;
      pull_.into = {&piece_, 1};
      pull_.done = [](Pull& pull, Pull::Outcome) noexcept { static_cast<ItsPull&>(pull).owner->answer(); };
      reply_.pull(pull_);
    } else {
      answer();
    }
  }
  void disconnected() override {
    for (Reply& reply : kept) reply.abandon();
    connection_.retire();
  }

  std::vector<wire::Sqe> seen;
  std::vector<std::vector<std::byte>> received;
  std::deque<Reply> kept;
  bool silent = false;
  unsigned polls_until_ready = 2;

 private:
  struct ItsPull : Pull {
    EchoQueue* owner = nullptr;
  };

  std::uint8_t direction() const {
    const wire::Sqe& sqe = reply_.sqe();
    return static_cast<std::uint8_t>((sqe.opcode == wire::kFabricsOpcode ? sqe.fctype() : sqe.opcode) & 3);
  }
  bool pulls() const { return direction() == 1 && reply_.sqe().dptr.length > 0; }

  void answer() {
    const wire::Sqe& sqe = reply_.sqe();
    if (pulls()) received.push_back(memory_);
    if (direction() == 2 && sqe.opcode != wire::kFabricsOpcode && sqe.dptr.length > 0) {
      memory_ = pattern(sqe.dptr.length);
      piece_ = {memory_.data(), memory_.size()};
      data_.from = {&piece_, 1};
      data_.released = [](DataOut&) noexcept {};
      reply_.complete(cqe_for(reply_), data_);
      return;
    }
    reply_.complete(cqe_for(reply_, wire::status::kSuccess, result(sqe)));
  }

  std::uint64_t result(const wire::Sqe& sqe) {
    if (sqe.opcode != wire::kFabricsOpcode) return 0;
    switch (static_cast<wire::FabricsType>(sqe.fctype())) {
      case wire::FabricsType::connect:
        return wire::ConnectResult{.cntlid = Cntlid(7)}.encode();
      case wire::FabricsType::property_set:
        cc_ = wire::Cc::decode(static_cast<std::uint32_t>(wire::parse_property_set(sqe)->value));
        return 0;
      case wire::FabricsType::property_get:
        return csts();
      default:
        return 0;
    }
  }

  std::uint32_t csts() {
    if (polls_until_ready > 0) --polls_until_ready;
    const bool reached = polls_until_ready == 0;
    const bool shut = cc_.shn != wire::ShutdownNotification::none;
    return wire::Csts{.rdy = cc_.en && reached,
                      .shst = shut && reached ? wire::ShutdownStatus::complete : wire::ShutdownStatus::normal}
        .encode();
  }

  Connection& connection_;
  Reply reply_;
  std::vector<std::byte> memory_;
  iovec piece_{};
  ItsPull pull_;
  DataOut data_;
  wire::Cc cc_;
};

class EchoAcceptor final : public Acceptor {
 public:
  Queue& accept(Connection& connection) override { return queues.emplace_back(connection); }
  std::deque<EchoQueue> queues;
};

class FakeHostTest : public ::testing::Test {
 protected:
  TestLoops loops_{2};
  EchoAcceptor acceptor_;
  unsigned patience_ = 100;
  FakeHost host_{loops_[0],
                 acceptor_,
                 [this] {
                   loops_.run_turn();
                   return patience_-- > 0;
                 },
                 {.subnqn = "nqn.2024-01.example:disk", .kato_ms = 5000}};
};

TEST_F(FakeHostTest, ConnectsAndEnables) {
  EXPECT_TRUE(host_.connect().ok());
  EXPECT_EQ(host_.cntlid(), Cntlid(7));
  EchoQueue& admin = acceptor_.queues.front();
  ASSERT_GE(admin.seen.size(), 4u);
  const auto connect = wire::parse_connect(admin.seen[0]);
  ASSERT_TRUE(connect.has_value());
  EXPECT_EQ(connect->kato_ms, 5000u);
  EXPECT_EQ(connect->queue_size, 32u);
  const auto data = wire::load<wire::ConnectData>(admin.received.front());
  ASSERT_TRUE(data.has_value());
  const auto parameters = wire::parse_connect_data(*data);
  ASSERT_TRUE(parameters.has_value());
  EXPECT_EQ(parameters->subnqn, "nqn.2024-01.example:disk");
  EXPECT_EQ(parameters->cntlid, kDynamicController);
}

TEST_F(FakeHostTest, IoQueuesConnectToTheController) {
  ASSERT_TRUE(host_.connect().ok());
  ASSERT_TRUE(host_.connect_io(Qid(2), loops_[1], 64).ok());
  EchoQueue& queue = acceptor_.queues.back();
  EXPECT_EQ(wire::parse_connect(queue.seen[0])->qid, Qid(2));
  EXPECT_EQ(wire::parse_connect(queue.seen[0])->queue_size, 64u);
  EXPECT_EQ(wire::load<wire::ConnectData>(queue.received.front())->cntlid, 7);
  EXPECT_EQ(&host_.io(Qid(2)).loop(), &loops_[1]);
}

TEST_F(FakeHostTest, HelpersSendTheirCommandAndMoveTheData) {
  ASSERT_TRUE(host_.connect().ok());
  ASSERT_TRUE(host_.connect_io(Qid(1), loops_[1]).ok());
  EchoQueue& queue = acceptor_.queues.back();
  queue.seen.clear();
  queue.received.clear();
  std::vector<std::byte> memory(1024);
  const std::vector<std::byte> data = pattern(1024, 9);
  const wire::DsmRange range{.blocks = 8, .slba = 3};

  EXPECT_TRUE(host_.read(Nsid(1), {.slba = 5, .blocks = 2}, memory).ok());
  EXPECT_EQ(memory, pattern(1024));
  EXPECT_TRUE(host_.write(Nsid(1), {.slba = 5, .blocks = 2}, data, {.fua = true, .in_capsule = true}).ok());
  EXPECT_TRUE(host_.compare(Nsid(1), {.slba = 5, .blocks = 2}, data).ok());
  EXPECT_TRUE(host_.flush(Nsid(1)).ok());
  EXPECT_TRUE(host_.write_zeroes(Nsid(1), {.slba = 5, .blocks = 2}).ok());
  EXPECT_TRUE(host_.deallocate(Nsid(1), {&range, 1}).ok());

  std::vector<int> opcodes;
  for (const wire::Sqe& sqe : queue.seen) opcodes.push_back(sqe.opcode);
  EXPECT_THAT(opcodes, ElementsAre(2, 1, 5, 0, 8, 9));
  EXPECT_TRUE(wire::parse_write(queue.seen[1])->fua);
  EXPECT_EQ(queue.seen[1].dptr.type, wire::kSglInCapsule);
  EXPECT_EQ(queue.seen[2].dptr.type, wire::kSglTransport);
  ASSERT_THAT(queue.received, SizeIs(3));
  EXPECT_EQ(queue.received[0], data);
  EXPECT_EQ(queue.received[1], data);
  EXPECT_EQ(wire::load<wire::DsmRange>(queue.received[2])->slba, 3u);
}

TEST_F(FakeHostTest, AdminHelpers) {
  ASSERT_TRUE(host_.connect().ok());
  EchoQueue& queue = acceptor_.queues.front();
  queue.seen.clear();
  wire::IdentifyController controller{};
  wire::IdentifyNamespace ns{};
  std::vector<std::byte> page(512);
  EXPECT_EQ(host_.identify_controller(controller).data_bytes, sizeof controller);
  EXPECT_TRUE(host_.identify_namespace(Nsid(4), ns).ok());
  EXPECT_TRUE(host_.get_log({.lid = 2}, page).ok());
  EXPECT_TRUE(host_.get_features({.fid = 7}).ok());
  EXPECT_TRUE(host_.set_features({.fid = 7, .cdw11 = 0x30003}).ok());
  EXPECT_TRUE(host_.keep_alive().ok());
  EXPECT_TRUE(host_.abort(Qid(1), Cid(9)).ok());
  EXPECT_EQ(wire::parse_identify(queue.seen[1])->nsid, Nsid(4));
  EXPECT_EQ(wire::parse_get_log_page(queue.seen[2])->length, 512u);
  EXPECT_EQ(wire::parse_abort(queue.seen[6])->cid, Cid(9));

  queue.polls_until_ready = 3;
  EXPECT_TRUE(host_.shutdown().ok());
  EXPECT_TRUE(host_.disable().ok());
}

TEST_F(FakeHostTest, ACommandThatNobodyAnswersIsStuckAndAnEventWaits) {
  ASSERT_TRUE(host_.connect().ok());
  EchoQueue& queue = acceptor_.queues.front();
  queue.silent = true;
  Exchange& event = host_.send_async_event_request();
  patience_ = 10;
  EXPECT_EQ(host_.keep_alive().kind, FakeHost::Answer::Kind::stuck);
  EXPECT_EQ(host_.admin().in_flight(), 2u);
  queue.kept[0].complete(cqe_for(queue.kept[0], wire::status::kSuccess, 0x42));
  queue.kept.pop_front();
  patience_ = 100;
  EXPECT_EQ(host_.wait(host_.admin(), event).dw0(), 0x42u);

  Exchange& lost = host_.send_async_event_request();
  host_.admin().cut();
  EXPECT_EQ(host_.wait(host_.admin(), lost).kind, FakeHost::Answer::Kind::lost);
}

TEST_F(FakeHostTest, ReconnectsInTheSamePlace) {
  ASSERT_TRUE(host_.connect().ok());
  FakeConnection& old = host_.admin();
  ASSERT_TRUE(host_.connect().ok());
  EXPECT_NE(&host_.admin(), &old);
  EXPECT_TRUE(host_.drop());
}

}  // namespace
}  // namespace weft::fabric
