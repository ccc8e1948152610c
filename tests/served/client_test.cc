// include/weft/host.h, as a program uses it that knows nothing else, against the target over TCP.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "block/delay.h"
#include "block/memory_backend.h"
#include "served/served.h"
#include "weft/host.h"

namespace weft::served {
namespace {

using client::Command;
using raw_host::Bytes;

class Client : public ::testing::Test {
 protected:
  std::string target(const char* nqn = Served::kNqn) const {
    return "tcp://127.0.0.1:" + std::to_string(served.port()) + "/" + nqn;
  }
  static std::unique_ptr<client::Host> start() {
    auto host = client::Host::start({.hostnqn = "nqn.2014-08.test:host",
                                     .hostid = "6f0f9f5e-52c7-4d3a-9a7e-0c8d5e1b2a3c",
                                     .threads = 2,
                                     .queues = 2});
    if (!host) throw std::runtime_error(host.error().message);
    return std::move(*host);
  }
  std::unique_ptr<client::Namespace> open() {
    auto opened = host->open(target());
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }

  std::shared_ptr<block::MemoryBackend> memory = std::make_shared<block::MemoryBackend>(16384, 512);
  std::shared_ptr<block::DelayBackend> disk = std::make_shared<block::DelayBackend>(memory);
  Served served{disk};
  std::unique_ptr<client::Host> host = start();
};

TEST_F(Client, ReadsAndWritesAnyLength) {
  const auto remote = open();
  EXPECT_EQ(remote->nsid(), 1u);
  EXPECT_EQ(remote->block_bytes(), 512u);
  EXPECT_EQ(remote->bytes(), 16384u * 512);
  EXPECT_EQ(remote->queues(), 2u);
  EXPECT_FALSE(remote->is_read_only());
  Bytes data = pattern(3 * 1024 * 1024 + 512, 1);
  ASSERT_GT(data.size(), 2 * remote->most_bytes());
  ASSERT_TRUE(remote->write(1024, data));
  ASSERT_TRUE(remote->flush());
  Bytes back(data.size());
  ASSERT_TRUE(remote->read(1024, back));
  EXPECT_EQ(back, data);
  ASSERT_TRUE(remote->write_zeroes(1024, 4096));
  ASSERT_TRUE(remote->discard(1024 + 4096, 4096));
  std::fill_n(data.begin(), 8192, std::byte{0});
  ASSERT_TRUE(remote->read(1024, back));
  EXPECT_EQ(back, data);
}

TEST_F(Client, ErrorsSayWhy) {
  const auto remote = open();
  Bytes one(512);
  const auto odd = remote->read(100, one);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code, EINVAL);
  EXPECT_EQ(odd.error().message, "512 bytes at 100: must be multiples of the block, 512 bytes");
  const auto beyond = remote->read(16384 * 512, one);
  ASSERT_FALSE(beyond);
  EXPECT_NE(beyond.error().message.find("at byte 8388608: Read: "), std::string::npos)
      << beyond.error().message;
  const auto other = host->open(target("nqn.2024-01.test:other"));
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("no such subsystem"), std::string::npos) << other.error().message;
  EXPECT_FALSE(host->open("udp://x/y"));
  EXPECT_FALSE(client::Host::start({.hostnqn = "", .hostid = "no uuid"}));
}

TEST_F(Client, CommandsRunByThemselves) {
  const auto remote = open();
  std::atomic<unsigned> over = 0;
  Bytes data = pattern(4096, 3);
  Bytes back(4096);
  Command command;
  command.done = [&](Command&) { ++over; };
  const auto run = [&](Command::Kind kind, Bytes* bytes) {
    command.kind = kind;
    command.data.clear();
    if (bytes != nullptr) command.data.push_back({bytes->data(), bytes->size()});
    const unsigned before = over;
    remote->submit(command, 1);
    EXPECT_TRUE(eventually([&] { return over == before + 1; }));
    return command.failure().code;
  };
  command.offset = 8192;
  EXPECT_EQ(run(Command::Kind::write, &data), 0);
  EXPECT_EQ(run(Command::Kind::flush, nullptr), 0);
  EXPECT_EQ(run(Command::Kind::read, &back), 0);
  EXPECT_EQ(back, data);
  EXPECT_EQ(run(Command::Kind::compare, &data), 0);
  back[7] ^= std::byte{1};
  EXPECT_EQ(run(Command::Kind::compare, &back), EILSEQ);
  EXPECT_EQ(command.status() & 0x7FF, 0x285) << "Compare Failure";
  command.length = 4096;
  EXPECT_EQ(run(Command::Kind::write_zeroes, nullptr), 0);
  EXPECT_EQ(run(Command::Kind::discard, nullptr), 0);
  EXPECT_EQ(run(Command::Kind::read, &back), 0);
  EXPECT_EQ(back, Bytes(4096));
  Bytes odd(100);
  EXPECT_EQ(run(Command::Kind::read, &odd), EINVAL);
  Bytes large(4 * remote->most_bytes());
  EXPECT_EQ(run(Command::Kind::read, &large), EINVAL) << "no single command moves that much";
  // Read, namespace 1, two blocks from block 16.
  command.entry = {std::byte{0x02}};
  command.entry[4] = std::byte{1};
  command.entry[40] = std::byte{16};
  command.entry[48] = std::byte{1};
  ASSERT_TRUE(remote->write(8192, data));
  Bytes two(1024);
  EXPECT_EQ(run(Command::Kind::any, &two), 0);
  EXPECT_TRUE(std::equal(two.begin(), two.end(), data.begin()));
}

TEST_F(Client, AFusedPairEndsOnce) {
  const auto remote = open();
  Bytes before(512, std::byte{1});
  Bytes after(512, std::byte{2});
  ASSERT_TRUE(remote->write(0, before));
  std::atomic<unsigned> over = 0;
  Command compare;
  Command write;
  for (Command* each : {&compare, &write}) each->done = [&](Command&) { ++over; };
  compare.kind = Command::Kind::compare;
  compare.data = {{before.data(), before.size()}};
  compare.fused_with = &write;
  write.kind = Command::Kind::write;
  write.data = {{after.data(), after.size()}};
  remote->submit(compare);
  EXPECT_TRUE(eventually([&] { return over == 1; }));
  EXPECT_EQ(compare.status(), 0);
  EXPECT_EQ(write.status(), 0);
  remote->submit(compare);
  EXPECT_TRUE(eventually([&] { return over == 2; }));
  EXPECT_EQ(compare.status() & 0x7FF, 0x285) << "Compare Failure: it was replaced";
  EXPECT_EQ(write.status() & 0x7FF, 0x009) << "Command Aborted due to Failed Fused Command";
}

TEST_F(Client, ACommandIsCancelled) {
  const auto remote = open();
  disk->hold({.ops = block::op_bit(block::Op::read), .first = 0, .end = 16384});
  std::atomic<bool> over = false;
  Bytes back(512);
  Command command;
  command.data = {{back.data(), back.size()}};
  command.done = [&](Command&) { over = true; };
  remote->submit(command);
  EXPECT_TRUE(eventually([&] { return disk->held() == 1; }));
  served.stop_listening();
  served.cut_connections();
  EXPECT_TRUE(eventually([&] { return remote->ways().front().state == "lost"; }));
  EXPECT_FALSE(over);
  remote->cancel(command);
  EXPECT_TRUE(eventually([&] { return over.load(); }));
  EXPECT_EQ(command.failure().code, ECANCELED);
  disk->release();
}

TEST_F(Client, ASizeThatChanges) {
  const auto remote = open();
  std::atomic<std::uint64_t> told = 0;
  remote->on_resize([&](std::uint64_t bytes) { told = bytes; });
  memory->resize(32768);
  EXPECT_TRUE(eventually([&] { return told == 32768u * 512; }));
  EXPECT_EQ(remote->bytes(), 32768u * 512);
}

TEST_F(Client, AsksAController) {
  const auto controller = host->connect(target());
  ASSERT_TRUE(controller) << controller.error().message;
  const auto namespaces = (*controller)->namespaces();
  ASSERT_TRUE(namespaces);
  EXPECT_EQ(*namespaces, std::vector<std::uint32_t>{1});
  const auto page = (*controller)->identify(1);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->size(), 4096u);
  EXPECT_STREQ(reinterpret_cast<const char*>(page->data() + 768), Served::kNqn);
  const auto log = (*controller)->log(2, 512);
  ASSERT_TRUE(log);
  EXPECT_EQ(log->size(), 512u);
  std::array<std::byte, 64> entry{std::byte{0x0A}};  // Get Features
  entry[40] = std::byte{0x07};                       // Number of Queues
  EXPECT_TRUE((*controller)->admin(entry));
  entry[40] = std::byte{0xC0};
  EXPECT_FALSE((*controller)->admin(entry));
}

TEST_F(Client, Discovers) {
  const auto found = host->discover("tcp://127.0.0.1:" + std::to_string(served.port()));
  ASSERT_TRUE(found) << found.error().message;
  const auto disks = std::ranges::count(*found, std::string(Served::kNqn), &client::Subsystem::subnqn);
  EXPECT_EQ(disks, 1);
  EXPECT_EQ(found->front().transport, "tcp");
}

}  // namespace
}  // namespace weft::served
