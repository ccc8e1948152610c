#include <gtest/gtest.h>

#include "base/test_allocations.h"
#include "base/test_bare_loop.h"
#include "fabric/fake_connection.h"
#include "fabric/fake_test_support.h"
#include "wire/opcodes.h"

namespace weft::fabric {
namespace {

// Pulls what comes and answers at once, from memory that it has.
class BusyQueue final : public Queue, public Acceptor {
 public:
  Queue& accept(Connection& connection) override {
    connection_ = &connection;
    return *this;
  }
  void receive(Reply reply) override {
    Slot& slot = slots_[next_++ % std::size(slots_)];
    slot.reply = std::move(reply);
    slot.piece = {slot.memory, sizeof slot.memory};
    if (slot.reply.sqe().opcode == static_cast<std::uint8_t>(wire::IoOpcode::read)) {
      slot.data.from = {&slot.piece, 1};
      slot.data.released = [](DataOut&) noexcept {};
      slot.reply.complete(cqe_for(slot.reply), slot.data);
      return;
    }
    slot.pull.slot = &slot;
    slot.pull.into = {&slot.piece, 1};
    slot.pull.done = [](Pull& pull, Pull::Outcome) noexcept {
      Slot& owner = *static_cast<Slot::ItsPull&>(pull).slot;
      owner.reply.complete(cqe_for(owner.reply));
    };
    slot.reply.pull(slot.pull);
  }
  void disconnected() override { connection_->retire(); }

 private:
  struct Slot {
    Reply reply;
    iovec piece{};
    std::byte memory[64]{};
    DataOut data;
    struct ItsPull : Pull {
      Slot* slot = nullptr;
    } pull;
  };
  Connection* connection_ = nullptr;
  Slot slots_[8];
  std::size_t next_ = 0;
};

TEST(FakeConnectionAllocation, NoneForACommandOnTheSteadyPath) {
  BareLoop loop;
  BusyQueue target;
  FakeConnection connection(loop);
  connection.attach(target);
  std::byte memory[64]{};
  struct Host {
    FakeConnection& connection;
    std::uint64_t finished = 0;
  } host{connection};
  const auto batch = [&] {
    for (int i = 0; i < 8; ++i) {
      wire::Sqe sqe{.opcode =
                        static_cast<std::uint8_t>(i % 2 ? wire::IoOpcode::read : wire::IoOpcode::write)};
      HostData data;
      if (i % 2)
        data.in = memory;
      else
        data.out = memory;
      connection.submit(sqe, data).when_finished(
          [](Exchange& exchange, void* context) noexcept {
            auto& owner = *static_cast<Host*>(context);
            ++owner.finished;
            owner.connection.release(exchange);
          },
          &host);
    }
    loop.run_until_idle();
  };
  batch();
  const std::uint64_t before = test::allocations;
  for (int i = 0; i < 1000; ++i) batch();
  EXPECT_EQ(test::allocations, before);
  EXPECT_EQ(host.finished, 8008u);
  connection.cut();
  loop.run_until_idle();
}

}  // namespace
}  // namespace weft::fabric
