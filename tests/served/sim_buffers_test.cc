// Data buffers that run short: everybody gets on, only slower.
#include "base/buffer.h"
#include "served/sim_host.h"
#include "wire/io_command.h"

namespace weft::served {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

// Takes memory away from all of a server's loops.
class Hog {
 public:
  Hog(SimServer& server, std::size_t leave_bytes) {
    for (Loop* loop : server.loops.all()) {
      parties_.push_back(std::make_unique<BufferPool::Party>(BufferPool::Party::Kind::io));
      for (std::size_t left = TestLoop::kDefaultBufferBytes - leave_bytes; left > 0;) {
        const std::size_t bytes = std::min(left, kMaxBufferPieces * kLargeBufferBytes);
        Buffers taken;
        EXPECT_TRUE(loop->buffers().try_take(*parties_.back(), bytes, taken));
        taken_.push_back({loop, parties_.back().get(), std::move(taken)});
        left -= bytes;
      }
    }
  }
  ~Hog() {
    for (auto& [loop, party, buffers] : taken_) loop->buffers().give_back(*party, buffers);
  }

 private:
  struct Taken {
    Loop* loop;
    BufferPool::Party* party;
    Buffers buffers;
  };
  std::vector<std::unique_ptr<BufferPool::Party>> parties_;
  std::vector<Taken> taken_;
};

wire::Sqe write_of(std::uint64_t lba, std::size_t bytes) {
  return wire::make_write(
      {.nsid = kNsid, .range = {lba, static_cast<std::uint32_t>(bytes / SimServer::kBlockBytes)}});
}

// A large write has all the memory and waits for its data; that comes behind a small write which carries its
// own.
TEST(SimBuffers, ACapsuleWithDataPassesItsOwnQueuesTransfers) {
  SimServer server;
  {
    SimHost host(server, 1);
    const Hog hog(server, kMiB);
    SimQueue& queue = *host.io[0];
    const Bytes large = tcp::pattern(kMiB, 1);
    const Bytes small = tcp::pattern(16384, 2);
    queue.hold_r2ts = true;
    const auto first = queue.submit(write_of(0, kMiB), SimQueue::Data::by_r2t, large);
    queue.run();
    ASSERT_EQ(queue.held_r2ts.size(), 1u);
    const auto second = queue.submit(write_of(4096, small.size()), SimQueue::Data::in_capsule, small);
    queue.answer(queue.held_r2ts[0]);
    queue.run();
    EXPECT_TRUE(queue.take(first).ok());
    EXPECT_TRUE(queue.take(second).ok());
    queue.hold_r2ts = false;
    EXPECT_TRUE(host.read(0, kMiB / SimServer::kBlockBytes) == large);
    EXPECT_TRUE(host.read(4096, 32) == small);
  }
}

// ... and what it was guaranteed is used up by small writes that wait for their data.
TEST(SimBuffers, ACapsuleWithDataPassesSmallTransfers) {
  SimServer server;
  {
    SimHost host(server, 1);
    SimHost greedy(server, 2);
    const Hog hog(server, 0);
    SimQueue& queue = *host.io[0];
    queue.hold_r2ts = true;
    std::vector<std::uint16_t> all;
    all.reserve(16);
    for (unsigned i = 0; i < 8; ++i)
      all.push_back(queue.submit(write_of(i * 16, 8192), SimQueue::Data::by_r2t, tcp::pattern(8192, i)));
    queue.run();
    EXPECT_GE(queue.held_r2ts.size(), 1u);
    EXPECT_LT(queue.held_r2ts.size(), 8u);
    for (unsigned i = 8; i < 16; ++i)
      all.push_back(queue.submit(write_of(i * 16, 8192), SimQueue::Data::in_capsule, tcp::pattern(8192, i)));
    queue.hold_r2ts = false;
    for (const auto& r2t : queue.held_r2ts) queue.answer(r2t);
    queue.run();
    for (const std::uint16_t cid : all) EXPECT_TRUE(queue.take(cid).ok());
    for (unsigned i = 0; i < 16; ++i) EXPECT_TRUE(host.read(i * 16, 16) == tcp::pattern(8192, i));
  }
}

// The largest data that a capsule may carry by configuration.
TEST(SimBuffers, CapsulesOf64KiB) {
  SimServer server;
  EXPECT_TRUE(server.subsystem->change_settings([](target::SubsystemSettings& settings) -> Result<> {
    settings.in_capsule_bytes = 65536;
    return {};
  }));
  {
    SimHost host(server, 1);
    const Hog hog(server, 0);
    SimQueue& queue = *host.io[0];
    queue.hold_r2ts = true;
    const auto first = queue.submit(write_of(0, 16384), SimQueue::Data::by_r2t, tcp::pattern(16384, 1));
    queue.run();
    ASSERT_EQ(queue.held_r2ts.size(), 1u);
    const auto second = queue.submit(write_of(64, 65536), SimQueue::Data::in_capsule, tcp::pattern(65536, 2));
    queue.answer(queue.held_r2ts[0]);
    queue.run();
    EXPECT_TRUE(queue.take(first).ok());
    EXPECT_TRUE(queue.take(second).ok());
  }
}

// New hosts connect and work while others hold all the memory.
TEST(SimBuffers, NewHostsConnectWhileTheMemoryIsGone) {
  SimServer server;
  {
    const Hog hog(server, 0);
    std::vector<std::unique_ptr<SimHost>> hosts;
    hosts.reserve(20);
    for (unsigned i = 0; i < 20; ++i) {
      hosts.push_back(std::make_unique<SimHost>(server, 2));
      hosts.back()->verify(i);
    }
  }
}

// A full megabyte waits until there is one, and small ones of others pass by meanwhile.
TEST(SimBuffers, ALargeWriteWaitsWithoutBeingCutOff) {
  SimServer server;
  {
    SimHost host(server, 1);
    SimHost other(server, 1);
    auto hog = std::make_unique<Hog>(server, 0);
    const auto waiting = host.io[0]->submit(write_of(0, kMiB), SimQueue::Data::by_r2t, tcp::pattern(kMiB, 5));
    host.io[0]->run();
    for (unsigned i = 0; i < 50; ++i) {
      other.io[0]->run();
      const Bytes data = tcp::pattern(8192, i);
      EXPECT_TRUE(other.write(8000 + i * 16, data).ok());
      server.loops.advance(std::chrono::seconds(10));
    }
    EXPECT_FALSE(host.io[0]->is_done(waiting));
    EXPECT_FALSE(host.io[0]->is_closed());
    hog.reset();
    host.io[0]->run();
    EXPECT_TRUE(host.io[0]->take(waiting).ok());
  }
}

// The host goes while its commands wait for memory.
TEST(SimBuffers, HostsThatLeaveWhileTheyWait) {
  SimServer server;
  const Hog hog(server, 0);
  for (unsigned i = 0; i < 10; ++i) {
    SimHost host(server, 1);
    for (unsigned j = 0; j < 4; ++j)
      host.io[0]->submit(write_of(0, kMiB), SimQueue::Data::by_r2t, Bytes(kMiB));
    host.io[0]->submit(write_of(0, 16384), SimQueue::Data::in_capsule, Bytes(16384));
    host.io[0]->run();
  }
  EXPECT_EQ(server.transport.connections(), 0u);
}

}  // namespace
}  // namespace weft::served
