// Some hundreds of nearly right hosts over real sockets, several at a time, beside one that is right.
#include <gtest/gtest.h>

#include <deque>

#include "block/memory_backend.h"
#include "served/random_session.h"
#include "served/served.h"
#include "served/sim_host.h"

namespace weft::served {
namespace {

constexpr unsigned kConnections = 600;
constexpr std::size_t kAtOnce = 16;
constexpr raw_host::Timeout kPatience{
    500};  // a session that gets no answer is one more of those that break off
constexpr const char* kVictim = "nqn.2024-01.test:random";

// Sends what the peer takes; it may end the connection at any moment.
void send_some(raw_host::Socket& socket, std::span<const std::byte> bytes) {
  if (!socket.is_open()) return;
  try {
    socket.send(bytes);
  } catch (const raw_host::Failure&) {
    socket.close();
  }
}

// Takes ICResp, and waits for the first byte of what comes then; or for the end.
void take_answers(raw_host::Socket& socket) {
  if (!socket.is_open()) return;
  Bytes response(sizeof(wire::tcp::IcResp));
  try {
    if (!socket.receive(response) || !socket.wait_readable(kPatience)) socket.close();
  } catch (const raw_host::Failure&) {
    socket.close();
  }
}

TEST(RandomConnections, BesideAHostThatIsRight) {
  const std::uint64_t seed = seed_of_run();
  SCOPED_TRACE(testing::Message() << "WEFT_SEED=" << seed);
  Dice dice(seed);
  tcp::Options tcp;
  tcp.term_time = std::chrono::milliseconds(10);
  Served served(std::make_shared<block::MemoryBackend>(SimServer::kBlocks, SimServer::kBlockBytes),
                {.reactors = 3, .tcp = tcp});
  const auto victim = served.add_subsystem(
      kVictim, std::make_shared<block::MemoryBackend>(SimServer::kBlocks, SimServer::kBlockBytes));
  raw_host::PduLog log;
  raw_host::HostController good(served.host_options(true, true), log);
  good.connect_io(2);
  // A controller that stays, so that I/O queues have somewhere to go.
  auto options = served.host_options();
  options.subnqn = kVictim;
  options.hostnqn = kHostNqn;
  options.hostid = {1};
  const raw_host::HostController anchor(options, log);
  const SessionPlan plan{.subnqn = kVictim, .cntlid = anchor.cntlid().value()};
  std::deque<raw_host::Socket> open;
  for (unsigned i = 0; i < kConnections; ++i) {
    const Session session = random_session(dice, plan);
    open.emplace_back("127.0.0.1", served.port());
    open.back().set_timeout(kPatience);
    std::size_t sent = 0;
    if (!session.stops.empty()) {
      sent = session.stops.front();
      send_some(open.back(), std::span(session.bytes).first(sent));
      if (!dice.one_in(6)) take_answers(open.back());
    }
    send_some(open.back(), std::span(session.bytes).subspan(sent));
    if (open.size() >= kAtOnce) {
      if (open.front().is_open() && dice.one_in(2)) open.front().reset();
      open.pop_front();
    }
    if (i % 50 != 0) continue;
    const Bytes data = pattern(8192, i);
    EXPECT_TRUE(good.write(kNsid, {i, 16}, data, false, i % 2).ok());
    EXPECT_TRUE(good.read(kNsid, {i, 16}, SimServer::kBlockBytes, 1 - i % 2).data == data);
  }
  open.clear();
  EXPECT_GT(served.transport().counts().pdus_in[4], kConnections);
  EXPECT_TRUE(eventually([&] { return served.transport().connections() == 4; }));
  EXPECT_TRUE(eventually([&] { return victim->controllers().size() == 1; }));
}

}  // namespace
}  // namespace weft::served
