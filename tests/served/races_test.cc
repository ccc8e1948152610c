// What goes wrong only with real sockets and threads: ends at bad moments, more than was agreed, and too
// little memory.  A well-behaved host works beside it.
#include <gtest/gtest.h>

#include "block/delay.h"
#include "block/memory_backend.h"
#include "served/served.h"

namespace weft::served {
namespace {

using raw_host::Bytes;
using raw_host::HostController;
using raw_host::RawConnection;

constexpr std::uint32_t kBlockBytes = 512;
constexpr Nsid kNsid{1};
constexpr const char* kOther = "nqn.2024-01.test:other";

class Races : public ::testing::Test {
 protected:
  explicit Races(const ServedOptions& options = {.reactors = 2})
      : served_(std::make_shared<block::MemoryBackend>(32768, kBlockBytes), options) {
    other_ = served_.add_subsystem(kOther, std::make_shared<block::MemoryBackend>(32768, kBlockBytes));
    neighbour_ = std::make_unique<HostController>(served_.host_options(true, true), log_);
    neighbour_->connect_io(2);
  }
  raw_host::HostOptions others_options() {
    auto options = served_.host_options();
    options.subnqn = kOther;
    return options;
  }
  void check_neighbour() {
    ++round_;
    const Bytes data = pattern(8192, round_);
    const wire::LbaRange range{round_ * 16 % 32000, 16};
    EXPECT_TRUE(neighbour_->write(kNsid, range, data, false, round_ % 2).ok());
    EXPECT_TRUE(neighbour_->read(kNsid, range, kBlockBytes, (round_ + 1) % 2).data == data);
  }
  void expect_only_the_neighbour() {
    EXPECT_TRUE(eventually([this] { return served_.transport().connections() == 3; }));
    EXPECT_TRUE(eventually([this] { return other_->controllers().empty(); }));
    check_neighbour();
  }

  raw_host::PduLog log_;
  Served served_;
  std::shared_ptr<target::Subsystem> other_;
  std::unique_ptr<HostController> neighbour_;
  std::uint64_t round_ = 0;
};

TEST_F(Races, ICReqAndAnImmediateClose) {
  for (unsigned i = 0; i < 300; ++i) {
    RawConnection connection("127.0.0.1", served_.port(), log_);
    if (i % 5 != 0) connection.send(connection.ic_req({.hdgst = i % 2 == 0}));
    if (i % 3 == 0)
      connection.socket().reset();
    else
      connection.socket().close();
    if (i % 50 == 0) check_neighbour();
  }
  expect_only_the_neighbour();
}

TEST_F(Races, ConnectAndAnImmediateClose) {
  const auto options = others_options();
  for (unsigned i = 0; i < 200; ++i) {
    raw_host::RawQueue queue(options.queue, log_);
    const wire::ConnectData data = raw_host::connect_data(options);
    const auto bytes = wire::bytes_of(data);
    queue.submit(wire::make_connect(raw_host::connect_command(options, Qid(0))),
                 {.out = Bytes(bytes.begin(), bytes.end()), .in_capsule = i % 2 == 0});
    if (i % 3 == 0)
      queue.connection().socket().reset();
    else
      queue.connection().socket().close();
    if (i % 50 == 0) check_neighbour();
  }
  expect_only_the_neighbour();
}

TEST_F(Races, ACloseWhileCommandsAreInFlight) {
  for (unsigned i = 0; i < 60; ++i) {
    HostController host(others_options(), log_);
    host.connect_io(2);
    for (unsigned j = 0; j < 16; ++j) {
      const std::uint32_t blocks = j % 4 == 0 ? 2048 : 8;
      if (j % 2 == 0)
        host.submit_read(kNsid, {j * 1000, blocks}, kBlockBytes, j / 2 % 2);
      else
        host.submit_write(kNsid, {j * 1000, blocks}, Bytes(blocks * kBlockBytes), false, j / 2 % 2);
    }
    host.submit_async_event_request();
    for (unsigned taken = 0; taken < i % 7; ++taken) host.io(taken % 2).receive_one();
    // The queues go one by one, or the admin queue takes them along.
    auto& first = i % 2 == 0 ? host.io(0) : host.admin();
    if (i % 3 == 0)
      first.connection().socket().reset();
    else
      first.connection().socket().close();
    if (i % 20 == 0) check_neighbour();
  }
  expect_only_the_neighbour();
}

TEST_F(Races, AControllerResetWhileCommandsAreInFlight) {
  for (unsigned i = 0; i < 30; ++i) {
    HostController host(others_options(), log_);
    host.connect_io(2);
    for (unsigned j = 0; j < 16; ++j) host.submit_read(kNsid, {j * 256, 256}, kBlockBytes, j % 2);
    (void)host.property_set(wire::property::kCc, 0);
    // The I/O queues end; what was answered before has come.
    for (std::size_t queue = 0; queue < 2; ++queue)
      EXPECT_THROW(
          {
            for (;;) host.io(queue).receive_one();
          },
          raw_host::Closed);
  }
  expect_only_the_neighbour();
}

TEST_F(Races, MoreCommandsInFlightThanTheQueueHolds) {
  for (const bool by_r2t : {false, true}) {
    auto options = others_options();
    options.io_entries = 4;
    options.write_in_capsule = !by_r2t;
    HostController host(options, log_);
    host.connect_io(1);
    std::vector<std::uint16_t> cids;
    cids.reserve(500);
    for (unsigned i = 0; i < 500; ++i)
      cids.push_back(i % 2 == 0 ? host.submit_read(kNsid, {i, 8}, kBlockBytes)
                                : host.submit_write(kNsid, {i, 8}, Bytes(4096)));
    unsigned good = 0;
    for (const std::uint16_t cid : cids) {
      const auto done = host.io(0).wait(cid);
      if (done.ok())
        ++good;
      else
        EXPECT_TRUE(done.status().is(wire::status::kCommandSequenceError)) << wire::name(done.status());
    }
    EXPECT_GE(good, 4u);
    // It is served as before.
    EXPECT_TRUE(host.write(kNsid, {0, 8}, pattern(4096, 3)).ok());
    EXPECT_TRUE(host.read(kNsid, {0, 8}, kBlockBytes).data == pattern(4096, 3));
    check_neighbour();
  }
  expect_only_the_neighbour();
}

class ScarceRaces : public Races {
 protected:
  ScarceRaces() : Races({.reactors = 2, .buffer_bytes_each = std::size_t{2} << 20}) {}
};

// A host takes all the memory and never sends its data; others connect and work, slower but without an error.
TEST_F(ScarceRaces, BuffersExhaustedWhileNewHostsConnect) {
  auto options = others_options();
  options.queue.answer_r2ts = false;
  options.write_in_capsule = false;
  HostController greedy(options, log_);
  greedy.connect_io(4);
  for (std::size_t queue = 0; queue < 4; ++queue) {
    greedy.submit_write(kNsid, {0, 16}, Bytes(16 * kBlockBytes), false, queue);
    for (unsigned i = 0; i < 32; ++i)
      greedy.submit_write(kNsid, {i * 256, 256}, Bytes(256 * kBlockBytes), false, queue);
  }
  for (std::size_t queue = 0; queue < 4; ++queue) greedy.io(queue).receive_one();  // its first R2T
  for (unsigned i = 0; i < 20; ++i) {
    HostController host(served_.host_options(), log_);
    host.connect_io(2);
    const Bytes data = pattern(16384, i);
    EXPECT_TRUE(host.write(kNsid, {20000, 32}, data, false, i % 2).ok());
    EXPECT_TRUE(host.read(kNsid, {20000, 32}, kBlockBytes, 1 - i % 2).data == data);
    check_neighbour();
    host.disconnect();
  }
}

// Every host wants more than there is, and gets it after a while.
TEST_F(ScarceRaces, LargeTransfersShareWhatThereIs) {
  constexpr std::uint32_t kLarge = 2048;
  auto options = others_options();
  HostController host(options, log_);
  host.connect_io(4);
  std::vector<std::vector<std::uint16_t>> cids(4);
  for (unsigned i = 0; i < 8; ++i)
    for (std::size_t queue = 0; queue < 4; ++queue)
      cids[queue].push_back(host.submit_write(kNsid, {queue * kLarge, i % 3 == 2 ? 16 : kLarge},
                                              Bytes((i % 3 == 2 ? 16 : kLarge) * kBlockBytes), false, queue));
  check_neighbour();
  // One after the other, as a host does with one thread for each queue: none may need another's data first.
  for (bool left = true; left;) {
    left = false;
    for (std::size_t queue = 0; queue < 4; ++queue) {
      (void)host.io(queue).receive_for(raw_host::Timeout(1));
      left = left || host.io(queue).in_flight() > 0;
    }
  }
  for (std::size_t queue = 0; queue < 4; ++queue)
    for (const std::uint16_t cid : cids[queue]) EXPECT_TRUE(host.io(queue).wait(cid).ok());
  check_neighbour();
}

}  // namespace
}  // namespace weft::served
