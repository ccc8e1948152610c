#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "base/test_loop.h"
#include "fabric/fake_connection.h"
#include "fabric/fake_test_support.h"
#include "wire/opcodes.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace weft::fabric {
namespace {

// The least that carries a connection, and allocates nothing itself.
class BareLoop final : public Loop {
 public:
  Time now() const override { return {}; }
  void arm(Timer&, Duration) override { WEFT_CHECK(false, "no timers here"); }
  void cancel(Timer&) override {}
  void post(Task& task) override { defer(task); }
  void defer(Task& task) override {
    task.mark_posted();
    WEFT_CHECK(count_ < std::size(tasks_));
    tasks_[count_++] = &task;
  }
  bool is_here() const override { return true; }
  BufferPool& buffers() override { return rest_.buffers(); }
  Dice& dice() override { return rest_.dice(); }
  unsigned index() const override { return 0; }
  void run() {
    for (std::size_t i = 0; i < count_; ++i) tasks_[i]->run();
    count_ = 0;
  }

 private:
  Task* tasks_[16]{};
  std::size_t count_ = 0;
  TestLoop rest_;
};

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
    loop.run();
  };
  batch();
  const std::uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) batch();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(host.finished, 8008u);
  connection.cut();
  loop.run();
}

}  // namespace
}  // namespace weft::fabric
