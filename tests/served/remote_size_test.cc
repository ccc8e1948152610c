// A remote namespace whose size changes while its host asks for it.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>

#include "block/conformance_disk.h"
#include "block/fault.h"
#include "block/memory_backend.h"
#include "host/remote_backend.h"
#include "reactor/testing.h"
#include "served/served.h"
#include "wire/admin_command.h"

namespace weft::served {
namespace {

constexpr std::uint64_t kBlocks = 4096;
constexpr std::uint32_t kBlockBytes = 512;

// Holds back questions for a namespace's identifiers: what a path asks once it has read the size.
class HoldingInitiator final : public fabric::Initiator {
 public:
  explicit HoldingInitiator(fabric::Initiator& below) : below_(below) {}

  std::string_view name() const override { return below_.name(); }
  wire::TransportType trtype() const override { return below_.trtype(); }
  std::unique_ptr<fabric::HostConnection> connect(Loop& loop, const fabric::ConnectOptions& options,
                                                  fabric::HostConnectionOwner& owner) override {
    return std::make_unique<Connection>(*this, loop, below_.connect(loop, options, owner));
  }
  Result<fabric::ListenOptions> canonical(const fabric::ListenOptions& options) const override {
    return below_.canonical(options);
  }

  void hold() { holds_ = true; }
  bool has_held() const { return held_ != nullptr; }
  void let_go() {
    holds_ = false;
    reactor::testing::on_loop(*loop_, [this] { to_->submit(*held_.exchange(nullptr)); });
  }

 private:
  class Connection final : public fabric::HostConnection {
   public:
    Connection(HoldingInitiator& of, Loop& loop, std::unique_ptr<fabric::HostConnection> below)
        : of_(of), loop_(loop), below_(std::move(below)) {}
    void submit(fabric::HostCommand& command) override {
      const bool asks_for_identifiers =
          command.sqe.opcode == static_cast<std::uint8_t>(wire::AdminOpcode::identify) &&
          (command.sqe.cdw10 & 0xFF) == static_cast<std::uint8_t>(wire::IdentifyCns::ns_id_descriptors);
      if (!asks_for_identifiers || !of_.holds_) return below_->submit(command);
      of_.loop_ = &loop_;
      of_.to_ = below_.get();
      of_.held_ = &command;
    }
    void set_in_capsule_bytes(std::uint32_t bytes) override { below_->set_in_capsule_bytes(bytes); }
    void close() override { below_->close(); }

   private:
    HoldingInitiator& of_;
    Loop& loop_;
    std::unique_ptr<fabric::HostConnection> below_;
  };

  fabric::Initiator& below_;
  std::atomic<bool> holds_{false};
  Loop* loop_ = nullptr;
  fabric::HostConnection* to_ = nullptr;
  std::atomic<fabric::HostCommand*> held_{nullptr};
};

class RemoteSize : public testing::Test {
 protected:
  std::shared_ptr<host::RemoteBackend> open() {
    host::Options options{.identity = {.nqn = "nqn.2014-08.test:host", .id = {1}}};
    options.address.subnqn = Served::kNqn;
    auto opened =
        host::RemoteBackend::open(served.reactors(), {.ways = {{&initiator, options}}}, "attached_0/1");
    if (opened) return *opened;
    ADD_FAILURE() << opened.error().message;
    throw std::runtime_error("no namespace");
  }

  std::shared_ptr<block::MemoryBackend> memory = std::make_shared<block::MemoryBackend>(kBlocks, kBlockBytes);
  std::shared_ptr<block::FaultBackend> faults = std::make_shared<block::FaultBackend>(memory);
  Served served{faults, {.reactors = 1}};
  HoldingInitiator initiator{served.loop()};
};

TEST_F(RemoteSize, AnAnswerToAnOlderQuestionIsNotTaken) {
  struct Observer final : block::BackendObserver {
    explicit Observer(const block::Backend& of) : backend(of) {}
    void geometry_changed() override {
      if (backend.geometry().blocks > kBlocks) told_of_larger = true;
    }
    const block::Backend& backend;
    std::atomic<bool> told_of_larger{false};
  };
  const auto remote = open();
  Observer observer(*remote);
  remote->add_observer(observer);
  initiator.hold();
  memory->resize(kBlocks + 1);
  ASSERT_TRUE(eventually([&] { return initiator.has_held(); }));
  memory->resize(kBlocks - 1);
  ASSERT_TRUE(remote->refresh());
  EXPECT_EQ(remote->geometry().blocks, kBlocks - 1);
  initiator.let_go();
  memory->resize(kBlocks - 2);
  EXPECT_TRUE(eventually([&] { return remote->geometry().blocks == kBlocks - 2; }));
  EXPECT_FALSE(observer.told_of_larger);
  remote->remove_observer(observer);
}

// The size that the host knows is older than what the target refuses by.
TEST_F(RemoteSize, BeyondTheEndIsRefusedAsBackendsRefuseIt) {
  const auto remote = open();
  faults->plan({.match = {}, .error = ERANGE});
  Loop& loop = *served.reactors().all().front();
  std::unique_ptr<block::Channel> channel;
  reactor::testing::on_loop(loop, [&] { channel = remote->open_channel(loop); });
  for (const block::Op op :
       {block::Op::read, block::Op::write, block::Op::write_zeroes, block::Op::discard}) {
    std::atomic<std::size_t> pending = 1;
    block::DiskIo io(op, kBlocks - 1, 1);
    io.pending = &pending;
    Dice dice(1);
    if (op == block::Op::read || op == block::Op::write) io.allocate(kBlockBytes, dice);
    reactor::testing::on_loop(loop, [&] { channel->submit(io); });
    ASSERT_TRUE(eventually([&] { return pending == 0; }));
    EXPECT_EQ(io.error, op == block::Op::write ? ENOSPC : EINVAL) << static_cast<int>(op);
  }
  reactor::testing::on_loop(loop, [&] { channel.reset(); });
}

}  // namespace
}  // namespace weft::served
