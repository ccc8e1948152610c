// Ten thousand connections of hosts that are nearly right, several at a time, beside one that is right.  A
// failure prints its seed; WEFT_SEED in the environment replays it.
#include <deque>

#include "served/random_session.h"
#include "served/sim_host.h"
#include "wire/nqn.h"
#include "wire/properties.h"

namespace weft::served {
namespace {

constexpr unsigned kConnections = 10'000;
constexpr std::size_t kAtOnce = 24;
constexpr const char* kVictim = "nqn.2024-01.test:random";

class SimRandom : public ::testing::Test {
 protected:
  SimRandom() {
    victim_ = server_.target.add_subsystem(kVictim).value();
    EXPECT_TRUE(victim_->change_settings([](target::SubsystemSettings& settings) -> Result<> {
      settings.allow_any_host = true;
      return {};
    }));
    EXPECT_TRUE(victim_->add_namespace(kNsid, {.backend = std::make_shared<block::MemoryBackend>(
                                                   SimServer::kBlocks, SimServer::kBlockBytes)}));
    server_.port->link(victim_);
  }

  // A controller of the victim that stays, so that I/O queues have somewhere to go.
  std::uint16_t enable_controller(SimQueue& admin) {
    auto data = connect_data();
    wire::write_terminated(data.subnqn, kVictim);
    const auto connected = admin.execute(connect_sqe(0), SimQueue::Data::in_capsule, tcp::raw_pdu(data));
    EXPECT_TRUE(connected.ok());
    const wire::Cc cc{.en = true, .iosqes = 6, .iocqes = 4};
    EXPECT_TRUE(
        admin.execute(wire::make_property_set({.offset = wire::property::kCc, .value = cc.encode()})).ok());
    return wire::ConnectResult::decode(connected.cqe.dw0()).cntlid.value();
  }

  SimServer server_{3};
  std::shared_ptr<target::Subsystem> victim_;
};

TEST_F(SimRandom, TenThousandConnections) {
  const std::uint64_t seed = seed_of_run();
  SCOPED_TRACE(testing::Message() << "WEFT_SEED=" << seed);
  Dice dice(seed);
  SimHost good(server_, 2, {.hdgst = true, .ddgst = true});
  SimQueue anchor(server_);
  const SessionPlan plan{.subnqn = kVictim, .cntlid = enable_controller(anchor)};
  std::deque<std::unique_ptr<SimQueue>> open;
  for (unsigned i = 0; i < kConnections; ++i) {
    const Session session = random_session(dice, plan);
    open.push_back(std::make_unique<SimQueue>(server_, Agreement{}, false));
    tcp::Far& far = open.back()->far();
    far.random_chunks = true;
    far.largest_chunk = std::size_t{1}
                        << (session.bytes.size() > 20'000 ? 8 + dice.below(12) : dice.below(20));
    far.sends_held = dice.one_in(16);  // reads nothing
    std::size_t sent = 0;
    for (const std::size_t stop : session.stops) {
      open.back()->send(std::span(session.bytes).subspan(sent, stop - sent));
      sent = stop;
      if (!dice.one_in(6)) server_.loops.run_until_idle();
    }
    open.back()->send(std::span(session.bytes).subspan(sent));
    for (std::uint64_t turns = dice.below(20); turns > 0; --turns) server_.loops.run_turn();
    if (dice.one_in(50)) server_.loops.advance(std::chrono::milliseconds(dice.below(12'000)));
    if (open.size() >= kAtOnce) {
      std::swap(open.front(), open[dice.below(open.size())]);
      open.front()->end(dice.one_in(2) ? ECONNRESET : 0);
      open.pop_front();
    }
    if (i % 100 == 0) good.verify(i);
    if (HasFailure()) FAIL() << "after connection " << i;
  }
  open.clear();
  server_.loops.run_until_idle();
  EXPECT_EQ(server_.transport.connections(), 4u);
  EXPECT_EQ(victim_->controllers().size(), 1u);
  good.verify(kConnections);
  // They were nearly right: most kinds of PDU have come through.
  const tcp::Counts counts = server_.transport.counts();
  using wire::tcp::PduType;
  EXPECT_GT(counts.pdus_in[static_cast<std::size_t>(PduType::capsule_cmd)], kConnections);
  EXPECT_GT(counts.pdus_in[static_cast<std::size_t>(PduType::h2c_data)], kConnections / 10);
  EXPECT_GT(counts.pdus_out[static_cast<std::size_t>(PduType::c2h_data)], kConnections / 10);
  EXPECT_GT(counts.fatal_errors, kConnections / 10);
  std::printf("capsules %llu, data in %llu, data out %llu, fatal %llu\n",
              static_cast<unsigned long long>(counts.pdus_in[4]),
              static_cast<unsigned long long>(counts.pdus_in[6]),
              static_cast<unsigned long long>(counts.pdus_out[7]),
              static_cast<unsigned long long>(counts.fatal_errors));
}

}  // namespace
}  // namespace weft::served
