// The host library against the whole target: over TCP on real sockets, and over loop, with the queues' ends
// on two threads or on one.  What every transport must do.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "block/delay.h"
#include "block/memory_backend.h"
#include "host/admin_requests.h"
#include "host/discovery.h"
#include "host/session.h"
#include "served/served.h"
#include "transports/tcp/initiator.h"
#include "wire/io_command.h"
#include "wire/nqn.h"

namespace weft::served {
namespace {

using host::Session;
using raw_host::Bytes;
using std::chrono::milliseconds;

constexpr std::uint32_t kBlockBytes = 512;
constexpr std::uint64_t kBlocks = 16384;
constexpr Nsid kNsid{1};

enum class Fabric : std::uint8_t { tcp, loop, loop_on_one_thread };

std::string fabric_name(Fabric fabric) {
  return fabric == Fabric::tcp ? "tcp" : fabric == Fabric::loop ? "loop" : "loop_on_one_thread";
}

class HostFixture {
 protected:
  explicit HostFixture(Fabric over) : fabric(over) {}
  host::Options options() const {
    return {
        .identity = {.nqn = "nqn.2014-08.test:host", .id = {1, 2, 3}},
        .address = {.traddr = "127.0.0.1", .trsvcid = std::to_string(served.port()), .subnqn = Served::kNqn},
        .reconnect_delay = milliseconds(100)};
  }
  Result<std::unique_ptr<Session>> try_connect(const host::Options& with, Session::OnEvent on_event = {}) {
    fabric::Initiator& over = fabric == Fabric::tcp ? static_cast<fabric::Initiator&>(tcp) : served.loop();
    return Session::connect(served.reactors(), over, with, std::move(on_event));
  }
  std::unique_ptr<Session> connect(const host::Options& with, Session::OnEvent on_event = {}) {
    auto session = try_connect(with, std::move(on_event));
    if (session) return std::move(*session);
    ADD_FAILURE() << session.error().message;
    throw std::runtime_error("no session");
  }

  static Result<> write(Session& session, std::uint64_t lba, Bytes data, std::size_t queue = 0) {
    const wire::ReadWrite command{.nsid = kNsid, .range = range(lba, data.size())};
    const auto done = session.io(wire::make_write(command), data, queue);
    return done ? Result<>() : std::unexpected(done.error());
  }
  static Bytes read(Session& session, std::uint64_t lba, std::size_t bytes, std::size_t queue = 0) {
    Bytes data(bytes);
    const wire::ReadWrite command{.nsid = kNsid, .range = range(lba, bytes)};
    const auto done = session.io(wire::make_read(command), data, queue);
    EXPECT_TRUE(done) << done.error().message;
    return data;
  }
  static wire::LbaRange range(std::uint64_t lba, std::size_t bytes) {
    return {.slba = lba, .blocks = static_cast<std::uint32_t>(bytes / kBlockBytes)};
  }

  const Fabric fabric;
  std::shared_ptr<block::DelayBackend> disk =
      std::make_shared<block::DelayBackend>(std::make_shared<block::MemoryBackend>(kBlocks, kBlockBytes));
  Served served{disk, {.reactors = fabric == Fabric::loop_on_one_thread ? 1u : 2u}};
  tcp::TcpInitiator tcp{served.reactors()};
};

class HostSession : public HostFixture, public ::testing::TestWithParam<Fabric> {
 protected:
  HostSession() : HostFixture(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(Over, HostSession,
                         ::testing::Values(Fabric::tcp, Fabric::loop, Fabric::loop_on_one_thread),
                         [](const auto& of) { return fabric_name(of.param); });

TEST_P(HostSession, TellsWhatTheControllerIs) {
  const auto session = connect(options());
  EXPECT_EQ(wire::read_terminated(session->identity().subnqn), Served::kNqn);
  EXPECT_EQ(session->cntlid().value(), session->identity().cntlid);
  EXPECT_EQ(session->io_queues(), 1u);
  EXPECT_GE(session->max_transfer_bytes(), 128u * 1024);
  const auto namespaces = host::active_namespaces(*session);
  ASSERT_TRUE(namespaces) << namespaces.error().message;
  EXPECT_EQ(*namespaces, std::vector{kNsid});
  const auto info = host::namespace_info(*session, kNsid);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->blocks, kBlocks);
  EXPECT_EQ(info->block_bytes, kBlockBytes);
  EXPECT_TRUE(info->uuid && info->nguid);
  const auto none = host::namespace_info(*session, Nsid(7));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("namespace 7"), std::string::npos) << none.error().message;
}

TEST_P(HostSession, CommandsOtherThanReadAndWrite) {
  const auto session = connect(options());
  const Bytes data = pattern(8192, 3);
  ASSERT_TRUE(write(*session, 8, data));
  const wire::ReadWrite same{.nsid = kNsid, .range = range(8, data.size())};
  Bytes compared = data;
  EXPECT_TRUE(session->io(wire::make_compare(same), compared));
  compared[5000] ^= std::byte{1};
  const auto differs = session->io(wire::make_compare(same), compared);
  ASSERT_FALSE(differs);
  EXPECT_EQ(differs.error().code, EILSEQ);
  EXPECT_TRUE(session->io(wire::make_flush({.nsid = kNsid})));
  EXPECT_TRUE(session->io(wire::make_write_zeroes({.nsid = kNsid, .range = range(8, 4096)})));
  Bytes expected = data;
  std::fill_n(expected.begin(), 4096, std::byte{0});
  EXPECT_EQ(read(*session, 8, data.size()), expected);
  const wire::DsmRange all{.context_attributes = 0, .blocks = 16, .slba = 8};
  const auto bytes = wire::bytes_of(all);
  Bytes ranges(bytes.begin(), bytes.end());
  EXPECT_TRUE(
      session->io(wire::make_dataset_management({.nsid = kNsid, .ranges = 1, .deallocate = true}), ranges));
  const auto beyond = session->io(wire::make_read({.nsid = kNsid, .range = {.slba = kBlocks, .blocks = 1}}),
                                  std::span(ranges).first(0));
  EXPECT_FALSE(beyond);
}

struct Way {
  Fabric fabric;
  bool hdgst;
  bool ddgst;
  std::uint16_t queues;
};
class HostTransfer : public HostFixture, public ::testing::TestWithParam<Way> {
 protected:
  HostTransfer() : HostFixture(GetParam().fabric) {}
};
INSTANTIATE_TEST_SUITE_P(Ways, HostTransfer,
                         ::testing::Values(Way{Fabric::tcp, false, false, 1},
                                           Way{Fabric::tcp, true, false, 2}, Way{Fabric::tcp, false, true, 3},
                                           Way{Fabric::tcp, true, true, 64},
                                           Way{Fabric::loop, false, false, 1},
                                           Way{Fabric::loop, false, false, 64},
                                           Way{Fabric::loop_on_one_thread, false, false, 5}));

TEST_P(HostTransfer, EverySizeUpToTheLimit) {
  host::Options with = options();
  with.header_digest = GetParam().hdgst;
  with.data_digest = GetParam().ddgst;
  with.io_queues = GetParam().queues;
  const auto session = connect(with);
  ASSERT_EQ(session->io_queues(), GetParam().queues);
  std::size_t queue = 0;
  for (std::size_t bytes = kBlockBytes; bytes <= session->max_transfer_bytes(); bytes *= 2) {
    for (const std::size_t size : {bytes, bytes + kBlockBytes}) {
      if (size > session->max_transfer_bytes()) continue;
      const Bytes data = pattern(size, size + GetParam().queues);
      const auto written = write(*session, 3, data, queue++ % session->io_queues());
      ASSERT_TRUE(written) << written.error().message;
      EXPECT_EQ(read(*session, 3, size, queue++ % session->io_queues()), data) << size;
    }
  }
}

TEST_P(HostSession, ARefusalSaysWhy) {
  host::Options with = options();
  with.address.subnqn = "nqn.2024-01.test:other";
  const auto other = try_connect(with);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("no such subsystem"), std::string::npos) << other.error().message;
  EXPECT_TRUE(served.subsystem().change_settings([](target::SubsystemSettings& settings) -> Result<> {
    settings.allow_any_host = false;
    return {};
  }));
  const auto stranger = try_connect(options());
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, EACCES) << stranger.error().message;
  EXPECT_NE(stranger.error().message.find("not on the subsystem's list"), std::string::npos)
      << stranger.error().message;
  served.stop_listening();
  const auto nobody = try_connect(options());
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ECONNREFUSED) << nobody.error().message;
}

TEST_P(HostSession, HearsOfNewNamespaces) {
  std::atomic<unsigned> heard = 0;
  const auto session = connect(options(), [&](const wire::AsyncEvent& event) {
    if (event == wire::kNamespaceChangedEvent) ++heard;
  });
  for (unsigned round = 1; round <= 3; ++round) {
    ASSERT_TRUE(served.subsystem().add_namespace(
        Nsid(1 + round), {.backend = std::make_shared<block::MemoryBackend>(64, kBlockBytes)}));
    EXPECT_TRUE(eventually([&] { return heard == round; }));
    const auto changed =
        host::log_page(*session, {.lid = static_cast<std::uint8_t>(wire::LogId::changed_namespace_list),
                                  .bytes = sizeof(wire::ChangedNamespaceList),
                                  .keeps_event = false});
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_EQ(wire::load<wire::ChangedNamespaceList>(*changed)->nsid[0], 1 + round);
  }
}

TEST_P(HostSession, LivesOnKeepAliveAlone) {
  host::Options with = options();
  with.keep_alive = milliseconds(400);
  const auto session = connect(with);
  std::this_thread::sleep_for(milliseconds(1500));
  EXPECT_TRUE(write(*session, 0, pattern(4096, 1)));
  EXPECT_EQ(session->losses().count, 0u);
}

TEST_P(HostSession, ALostConnectionLosesItsCommandsAndComesBack) {
  const auto session = connect(options());
  disk->hold({.ops = block::op_bit(block::Op::write), .first = 0, .end = kBlocks});
  std::thread writer([&] {
    const auto written = write(*session, 16, pattern(4096, 5));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ENOTCONN) << written.error().message;
  });
  EXPECT_TRUE(eventually([&] { return disk->held() == 1; }));
  served.cut_connections();
  writer.join();
  EXPECT_EQ(session->losses().count, 1u);
  disk->release();
  EXPECT_TRUE(eventually([&] { return write(*session, 16, pattern(4096, 6)).has_value(); }));
  EXPECT_EQ(read(*session, 16, 4096), pattern(4096, 6));
}

TEST_P(HostSession, ACommandThatHangsEndsTheConnection) {
  host::Options with = options();
  with.io_time = milliseconds(1200);
  const auto session = connect(with);
  disk->hold({.ops = block::op_bit(block::Op::write), .first = 0, .end = kBlocks});
  EXPECT_FALSE(write(*session, 0, pattern(512, 1)));
  EXPECT_EQ(session->losses().last.code, ETIMEDOUT) << session->losses().last.message;
  disk->release();
}

TEST_P(HostSession, ReadsTheDiscoveryLog) {
  served.add_subsystem("nqn.2024-01.test:second", std::make_shared<block::MemoryBackend>(64, kBlockBytes));
  host::Options with = options();
  with.address.subnqn = wire::kDiscoveryNqn;
  with.io_queues = 0;
  const auto session = connect(with);
  const auto log = host::read_discovery_log(*session);
  ASSERT_TRUE(log) << log.error().message;
  unsigned found = 0;
  for (const auto& entry : log->entries) {
    EXPECT_EQ(entry.traddr, "127.0.0.1");
    if (entry.subtype == wire::SubsystemType::nvm) ++found;
  }
  EXPECT_EQ(found, 2u);
}

TEST(Referrals, AreAskedOnceEach) {
  using host::DiscoveryEntry;
  const auto referral = [](const char* address) {
    return DiscoveryEntry{.trtype = wire::TransportType::tcp,
                          .subtype = wire::SubsystemType::referral,
                          .traddr = address,
                          .trsvcid = "8009"};
  };
  const DiscoveryEntry disk{.subtype = wire::SubsystemType::nvm, .subnqn = "nqn.2024-01.test:disk"};
  std::vector<std::string> asked;
  std::vector<std::string> skipped;
  const auto all = host::with_referrals(
      {.entries = {referral("a"), referral("b"), referral("a")}},
      [&](const DiscoveryEntry& at) -> Result<host::DiscoveryLog> {
        asked.push_back(at.traddr);
        if (at.traddr == "b") return fail(ECONNREFUSED, "b: refused");
        return host::DiscoveryLog{.entries = {referral("b"), disk, referral("a")}};
      },
      [&](const DiscoveryEntry& at, const Error&) { skipped.push_back(at.traddr); });
  EXPECT_EQ(asked, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(skipped, std::vector<std::string>{"b"});
  EXPECT_NE(std::ranges::find(all, disk), all.end());
}

}  // namespace
}  // namespace weft::served
