// A namespace of the host library over one path and over two, each to a target of its own with the same disk
// behind it: what is lost, what waits, and which path carries the commands.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/run_on.h"
#include "block/delay.h"
#include "block/memory_backend.h"
#include "host/namespace.h"
#include "served/served.h"
#include "target/ana.h"
#include "transports/tcp/initiator.h"
#include "wire/io_command.h"

namespace weft::served {
namespace {

using host::Namespace;
using host::PathState;
using raw_host::Bytes;
using std::chrono::milliseconds;
using wire::AnaState;

constexpr std::uint32_t kBytesOfBlock = 512;
constexpr std::uint64_t kBlocksOfDisk = 16384;

class HostNamespace : public ::testing::Test {
 protected:
  // A daemon of its own, as it were: what it holds back does not hold back another.
  struct Site {
    explicit Site(const std::shared_ptr<block::Backend>& memory, std::uint16_t port = 0)
        : disk(std::make_shared<block::DelayBackend>(memory)), served(disk, {.reactors = 1, .port = port}) {}

    void set(AnaState state) {
      target::AnaStates states;
      states.set(AnaGroupId(1), state);
      served.subsystem().set_ana_states(PortId(1), states, [] {});
    }
    // As a daemon that is killed.
    void die() {
      served.stop_listening();
      served.cut_connections();
    }
    void hold_writes() {
      disk->hold({.ops = block::op_bit(block::Op::write), .first = 0, .end = kBlocksOfDisk});
    }

    std::shared_ptr<block::DelayBackend> disk;
    Served served;
  };

  host::Options options(const Site& site) const {
    return {.identity = {.nqn = "nqn.2014-08.test:host", .id = {1, 2, 3}},
            .address = {.traddr = "127.0.0.1",
                        .trsvcid = std::to_string(site.served.port()),
                        .subnqn = Served::kNqn},
            .io_queues = 2,
            .reconnect_delay = milliseconds(100)};
  }
  host::NamespaceOptions one_way() { return {.ways = {{&tcp, options(first)}}}; }
  host::NamespaceOptions two_ways() { return {.ways = {{&tcp, options(first)}, {&tcp, options(second)}}}; }
  std::unique_ptr<Namespace> open(host::NamespaceOptions with) {
    auto opened = Namespace::open(*reactors, std::move(with));
    if (opened) return std::move(*opened);
    ADD_FAILURE() << opened.error().message;
    throw std::runtime_error("no namespace");
  }

  static wire::LbaRange range(std::uint64_t lba, std::size_t bytes) {
    return {.slba = lba, .blocks = static_cast<std::uint32_t>(bytes / kBytesOfBlock)};
  }
  static Result<> write(Namespace& to, std::uint64_t lba, Bytes data, std::size_t queue = 0) {
    const auto done =
        to.io(wire::make_write({.nsid = Nsid(1), .range = range(lba, data.size())}), data, queue);
    return done ? Result<>() : std::unexpected(done.error());
  }
  static Bytes read(Namespace& from, std::uint64_t lba, std::size_t bytes, std::size_t queue = 0) {
    Bytes data(bytes);
    const auto done = from.io(wire::make_read({.nsid = Nsid(1), .range = range(lba, bytes)}), data, queue);
    EXPECT_TRUE(done) << done.error().message;
    return data;
  }
  static bool becomes(const Namespace& remote, std::size_t path, PathState::Kind kind,
                      std::optional<AnaState> ana = {}) {
    return eventually([&] {
      const PathState state = remote.paths()[path];
      return state.kind == kind && (!ana || state.ana == ana);
    });
  }
  // Which of the two sites a write reaches.
  Site& site_of_a_write(Namespace& remote) {
    first.hold_writes();
    second.hold_writes();
    std::thread writer([&] { EXPECT_TRUE(write(remote, 0, pattern(512, 1))); });
    EXPECT_TRUE(eventually([&] { return first.disk->held() + second.disk->held() == 1; }));
    Site& site = first.disk->held() == 1 ? first : second;
    first.disk->release();
    second.disk->release();
    writer.join();
    return site;
  }

  std::shared_ptr<block::MemoryBackend> memory =
      std::make_shared<block::MemoryBackend>(kBlocksOfDisk, kBytesOfBlock);
  Site first{memory};
  Site second{memory};
  std::unique_ptr<reactor::Reactors> reactors =
      reactor::Reactors::start({.count = 2, .buffer_bytes_each = std::size_t{1} << 24, .name = "host"})
          .value();
  tcp::TcpInitiator tcp{*reactors};

  void TearDown() override { reactors->stop(); }
};

TEST_F(HostNamespace, CommandsSurviveALostConnection) {
  const auto remote = open(one_way());
  const Bytes data = pattern(4096, 5);
  first.hold_writes();
  std::thread writer([&] {
    const auto written = write(*remote, 16, data);
    EXPECT_TRUE(written) << written.error().message;
  });
  EXPECT_TRUE(eventually([&] { return first.disk->held() == 1; }));
  first.served.cut_connections();
  EXPECT_TRUE(eventually([&] { return remote->losses() == 1; }));
  first.disk->release();
  writer.join();
  EXPECT_EQ(read(*remote, 16, data.size()), data);
}

TEST_F(HostNamespace, VerifiedWritesGoOnOverManyLostConnections) {
  const auto remote = open(one_way());
  std::atomic<bool> stop = false;
  std::thread breaker([&] {
    while (!stop) {
      std::this_thread::sleep_for(milliseconds(150));
      first.served.cut_connections();
    }
  });
  for (unsigned round = 0; round < 300 || remote->losses() < 3; ++round) {
    const std::uint64_t lba = round % 64 * 16;
    const Bytes data = pattern(8192, round);
    const auto written = write(*remote, lba, data, round % 2);
    ASSERT_TRUE(written) << written.error().message;
    ASSERT_EQ(read(*remote, lba, data.size(), (round + 1) % 2), data) << "round " << round;
  }
  stop = true;
  breaker.join();
}

TEST_F(HostNamespace, ACommandThatHangsIsSentAgain) {
  host::NamespaceOptions with = one_way();
  with.ways[0].options.io_time = milliseconds(1200);
  const auto remote = open(with);
  first.disk->hold({.ops = block::op_bit(block::Op::read), .first = 0, .end = kBlocksOfDisk});
  std::thread reader([&] { EXPECT_EQ(read(*remote, 0, 512), Bytes(512)); });
  EXPECT_TRUE(eventually([&] { return remote->losses() == 1; }));
  EXPECT_EQ(remote->paths()[0].why.code, ETIMEDOUT) << remote->paths()[0].why.message;
  first.disk->release();
  reader.join();
}

TEST_F(HostNamespace, CommandsAreLostWhenAllPathsHaveGone) {
  host::NamespaceOptions with = two_ways();
  for (auto& way : with.ways) way.options.controller_loss_time = milliseconds(300);
  const auto remote = open(with);
  first.die();
  second.die();
  const auto written = write(*remote, 0, pattern(512, 1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ENOTCONN) << written.error().message;
  EXPECT_TRUE(eventually([&] { return remote->is_gone(); }));
  EXPECT_FALSE(write(*remote, 0, pattern(512, 1)));
}

TEST_F(HostNamespace, CommandsWaitForAPathNoLongerThanIsSaid) {
  host::NamespaceOptions with = one_way();
  with.no_path_time = milliseconds(200);
  const auto remote = open(with);
  const std::uint16_t port = first.served.port();
  first.die();
  const auto written = write(*remote, 0, pattern(512, 1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ENOTCONN);
  EXPECT_FALSE(write(*remote, 0, pattern(512, 1))) << "at once, while there is none";
  EXPECT_FALSE(remote->is_gone());
  const Site again(memory, port);
  EXPECT_TRUE(eventually([&] { return write(*remote, 0, pattern(512, 2)).has_value(); }));
}

TEST_F(HostNamespace, StopEndsWhatWaits) {
  const auto remote = open(one_way());
  first.die();
  std::thread writer([&] { EXPECT_FALSE(write(*remote, 0, pattern(512, 1))); });
  std::this_thread::sleep_for(milliseconds(50));
  remote->stop();
  writer.join();
}

// A read that a test starts and cancels; its queue is the first.
struct Read : host::Command {
  explicit Read(std::uint64_t lba) {
    sqe = wire::make_read({.nsid = Nsid(1), .range = {.slba = lba, .blocks = 1}});
    data = {&piece, 1};
    then = [](host::Command& ended) noexcept { static_cast<Read&>(ended).over = true; };
  }
  void start(Namespace& from) {
    run_on(from.io_queue(0).loop(), [&] { from.io_queue(0).submit(*this); });
  }
  void cancel(Namespace& from) {
    run_on(from.io_queue(0).loop(), [&] { from.io_queue(0).cancel(*this); });
  }
  Bytes bytes = Bytes(kBytesOfBlock);
  iovec piece{bytes.data(), bytes.size()};
  std::atomic<bool> over = false;
};

TEST_F(HostNamespace, WhatIsNotSentIsCancelledAtOnce) {
  host::NamespaceOptions with = one_way();
  with.ways[0].options.queue_entries = 2;
  const auto remote = open(with);
  first.disk->hold({.ops = block::op_bit(block::Op::read), .first = 0, .end = kBlocksOfDisk});
  Read sent(1);
  Read waiting(2);
  sent.start(*remote);
  waiting.start(*remote);
  EXPECT_TRUE(eventually([&] { return first.disk->held() == 1; }));
  waiting.cancel(*remote);
  EXPECT_TRUE(eventually([&] { return waiting.over.load(); }));
  EXPECT_EQ(waiting.failure(), "it was cancelled");
  EXPECT_EQ(waiting.error_code(), ECANCELED);
  first.die();
  Read without_path(3);
  EXPECT_TRUE(becomes(*remote, 0, PathState::Kind::lost));
  without_path.start(*remote);
  for (Read* each : {&sent, &without_path}) {
    EXPECT_FALSE(each->over);
    each->cancel(*remote);
    EXPECT_TRUE(eventually([&] { return each->over.load(); }));
    EXPECT_EQ(each->error_code(), ECANCELED);
  }
  first.disk->release();
}

TEST_F(HostNamespace, WhatTheTargetHasIsAborted) {
  const auto remote = open(one_way());
  first.disk->hold({.ops = block::op_bit(block::Op::read), .first = 0, .end = kBlocksOfDisk});
  std::vector<std::unique_ptr<Read>> reads;
  for (std::uint64_t i = 0; i < 20; ++i) {
    reads.push_back(std::make_unique<Read>(i));
    reads.back()->start(*remote);
  }
  EXPECT_TRUE(eventually([&] { return first.disk->held() == reads.size(); }));
  for (std::size_t i = 0; i < reads.size(); i += 2) reads[i]->cancel(*remote);
  std::this_thread::sleep_for(milliseconds(100));
  first.disk->release();
  for (const auto& each : reads) EXPECT_TRUE(eventually([&] { return each->over.load(); }));
  for (std::size_t i = 0; i < reads.size(); ++i) {
    EXPECT_EQ(reads[i]->is_cancelled(), i % 2 == 0);
    EXPECT_TRUE(reads[i]->ok() || (i % 2 == 0 && reads[i]->error_code() == ECANCELED)) << reads[i]->failure();
  }
  EXPECT_EQ(remote->losses(), 0u);
}

TEST_F(HostNamespace, TheOptimizedPathCarriesTheCommands) {
  first.set(AnaState::non_optimized);
  const auto remote = open(two_ways());
  EXPECT_EQ(&site_of_a_write(*remote), &second);
  EXPECT_EQ(remote->paths()[0].ana, AnaState::non_optimized);
  EXPECT_EQ(remote->paths()[1].ana, AnaState::optimized);
  second.set(AnaState::inaccessible);
  EXPECT_TRUE(becomes(*remote, 1, PathState::Kind::live, AnaState::inaccessible));
  EXPECT_EQ(&site_of_a_write(*remote), &first);
  second.set(AnaState::optimized);
  EXPECT_TRUE(becomes(*remote, 1, PathState::Kind::live, AnaState::optimized));
  EXPECT_EQ(&site_of_a_write(*remote), &second);
}

TEST_F(HostNamespace, CommandsWaitWhileNoPathIsAccessible) {
  const auto remote = open(two_ways());
  first.set(AnaState::inaccessible);
  second.set(AnaState::change);
  std::atomic<bool> written = false;
  std::thread writer([&] {
    EXPECT_TRUE(write(*remote, 8, pattern(4096, 9)));
    written = true;
  });
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_FALSE(written);
  second.set(AnaState::non_optimized);
  writer.join();
  EXPECT_EQ(read(*remote, 8, 4096), pattern(4096, 9));
}

TEST_F(HostNamespace, StatesThatChangeAllTheTimeFailNothing) {
  const auto remote = open(two_ways());
  std::atomic<bool> stop = false;
  std::thread changer([&] {
    for (unsigned round = 0; !stop; ++round) {
      constexpr AnaState kStates[] = {AnaState::optimized, AnaState::inaccessible, AnaState::non_optimized,
                                      AnaState::change};
      first.set(kStates[round % 4]);
      second.set(kStates[(round + 2) % 4]);
      std::this_thread::sleep_for(milliseconds(3));
    }
  });
  for (unsigned round = 0; round < 1000; ++round) {
    const Bytes data = pattern(512, round);
    const auto done = write(*remote, round % 128, data, round % 2);
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_EQ(read(*remote, round % 128, 512, (round + 1) % 2), data);
  }
  stop = true;
  changer.join();
}

TEST_F(HostNamespace, WhatAPathLosesGoesByTheOther) {
  second.set(AnaState::non_optimized);
  const auto remote = open(two_ways());
  first.hold_writes();
  std::vector<std::thread> writers;
  for (unsigned i = 0; i < 8; ++i)
    writers.emplace_back([&, i] { EXPECT_TRUE(write(*remote, i * 16, pattern(8192, i), i % 2)); });
  EXPECT_TRUE(eventually([&] { return first.disk->held() == 8; }));
  first.die();
  for (std::thread& each : writers) each.join();
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(read(*remote, i * 16, 8192), pattern(8192, i));
  EXPECT_TRUE(becomes(*remote, 0, PathState::Kind::lost));
  first.disk->release();
}

TEST_F(HostNamespace, APathThatWasNotThereAtFirstIsTakenWhenItComes) {
  second.set(AnaState::non_optimized);
  const std::uint16_t port = first.served.port();
  first.die();
  const auto remote = open(two_ways());
  EXPECT_EQ(remote->paths()[0].kind, PathState::Kind::lost);
  EXPECT_TRUE(write(*remote, 0, pattern(512, 1)));
  const Site again(memory, port);
  EXPECT_TRUE(becomes(*remote, 0, PathState::Kind::live, AnaState::optimized));
  second.die();
  EXPECT_EQ(read(*remote, 0, 512), pattern(512, 1));
}

TEST_F(HostNamespace, WithNoPathAtAllEachSaysWhy) {
  first.die();
  host::NamespaceOptions with = two_ways();
  with.ways[1].options.address.subnqn = "nqn.2024-01.test:other";
  const auto none = Namespace::open(*reactors, with);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ECONNREFUSED) << none.error().message;
  EXPECT_NE(none.error().message.find("no such subsystem"), std::string::npos) << none.error().message;
}

TEST_F(HostNamespace, AnotherNamespaceOfTheSameNumberIsNoPath) {
  for (Site* site : {&first, &second})
    ASSERT_TRUE(site->served.subsystem().add_namespace(
        Nsid(2), {.backend = memory, .uuid = Uuid{{static_cast<std::uint8_t>(site == &first ? 1 : 2)}}}));
  host::NamespaceOptions with = two_ways();
  with.nsid = Nsid(2);
  const auto remote = open(with);
  const auto paths = remote->paths();
  EXPECT_EQ((paths[0].kind == PathState::Kind::live) + (paths[1].kind == PathState::Kind::live), 1);
  const PathState& other = paths[paths[0].kind == PathState::Kind::live ? 1 : 0];
  EXPECT_EQ(other.kind, PathState::Kind::unusable);
  EXPECT_NE(other.why.message.find("its identifiers differ"), std::string::npos) << other.why.message;
}

TEST_F(HostNamespace, AChangedSizeIsTold) {
  const auto remote = open(two_ways());
  std::atomic<std::uint64_t> told = 0;
  remote->watch([&](std::uint64_t blocks) { told = blocks; });
  EXPECT_EQ(remote->blocks(), kBlocksOfDisk);
  memory->resize(kBlocksOfDisk * 2);
  EXPECT_TRUE(eventually([&] { return told == kBlocksOfDisk * 2; }));
  EXPECT_EQ(remote->blocks(), kBlocksOfDisk * 2);
}

}  // namespace
}  // namespace weft::served
