// One reactor: the loop on its ring, and what belongs to that loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>

#include "base/buffer.h"
#include "base/dice.h"
#include "base/intrusive.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/slab.h"
#include "reactor/cpu_delay.h"
#include "reactor/file_ring.h"
#include "reactor/file_table.h"
#include "reactor/mailbox.h"
#include "reactor/reactor.h"
#include "reactor/recv_buffers.h"
#include "reactor/ring.h"
#include "reactor/send_batch.h"
#include "reactor/spin_policy.h"
#include "reactor/timer_wheel.h"
#include "reactor/topology.h"

namespace weft::reactor {

// What has operations to prepare at the end of a turn.
class Flushable : public ListHook<struct FlushTag> {
 public:
  virtual void flush() = 0;  // calls nobody's handler

 protected:
  ~Flushable() = default;
};

// What keeps itself alive while the loop runs, and is let go when it has stopped.
class Lasting : public ListHook<struct LastingTag> {
 public:
  virtual void on_stopped() = 0;  // after the ring is gone; may destroy this

 protected:
  ~Lasting() = default;
};

class Reactor final : public Loop, public Services {
 public:
  // `near`: the CPUs to stay on when options names none; empty: any.
  Reactor(unsigned index, const ReactorsOptions& options, Cpus near, std::uint64_t seed);
  ~Reactor() override;

  Result<> start();     // makes the thread; returns when it has its ring
  void request_stop();  // any thread
  void join();
  bool is_running() const { return running_.load(std::memory_order_acquire); }
  ReactorStats stats() const;

  // Loop
  Time now() const override { return now_; }
  void arm(Timer& timer, Duration delay) override;
  void cancel(Timer& timer) override { timers_.cancel(timer); }
  void post(Task& task) override;
  void defer(Task& task) override;
  bool is_here() const override {
    return home_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  BufferPool& buffers() override { return pool_; }
  Dice& dice() override { return dice_; }
  unsigned index() const override { return index_; }

  // Services
  Loop& loop() override { return *this; }
  Result<std::unique_ptr<net::Listener>> listen(const net::Address& address,
                                                net::AcceptHandler& handler) override;
  Result<std::unique_ptr<net::Listener>> listen_on(int fd, net::AcceptHandler& handler) override;
  std::unique_ptr<net::Stream> adopt(std::unique_ptr<net::Accepted> connection,
                                     net::StreamHandler& handler) override;
  void connect(const net::Address& address, net::ConnectHandler& handler) override;
  void submit(FileOp& op) override;
  int enter(int fd) override { return table_.enter(fd); }
  void leave(int slot) override { table_.leave(slot); }
  void command(DeviceCommand& command) override;

  // For the parts of the reactor, on its thread.
  Ring& ring() { return ring_; }
  RecvBuffers& recv_buffers() { return recv_buffers_; }
  Slab<SendBatch, 8>& send_batches() { return send_batches_; }
  void flush_later(Flushable& part) {
    if (!part.is_linked()) flushable_.push_back(part);
  }
  void flush_never(Flushable& part) {
    if (part.is_linked()) flushable_.erase(flushable_.iterator_to(part));
  }
  void keep(Lasting& part) { lasting_.push_back(part); }
  void let_go(Lasting& part) { lasting_.erase(lasting_.iterator_to(part)); }

 private:
  // First in, first out, linked by Task::next.
  struct TaskQueue {
    Task* first = nullptr;
    Task* last = nullptr;
    void append(Task* tasks);  // a linked list of them
    unsigned run(unsigned most);
  };

  Result<> open();
  int stay_on_cpus() const;  // 0 or an errno
  void close();
  bool open_poll_ring();
  bool polls() const { return polled_files_.in_flight() > 0; }
  void main();
  void turn();
  std::optional<Duration> waited_for_others();
  void flush();
  void end_turn();
  void watch_wake();
  void on_wake(int result, std::uint32_t flags);
  void on_stop() { stopping_ = true; }

  const unsigned index_;
  const std::string name_;
  Cpus cpus_;  // empty: any
  bool is_pinned_ = false;
  std::thread thread_;
  std::atomic<std::thread::id> home_{};
  std::atomic<bool> running_{false};
  bool stopping_ = false;
  Time now_;
  CpuDelay cpu_delay_;
  SpinPolicy spin_;

  Ring ring_;
  int wake_fd_ = -1;
  std::uint64_t wake_count_ = 0;
  MemberCompletion<Reactor, &Reactor::on_wake> wake_{*this};
  Mailbox mailbox_;
  TaskQueue posted_;
  TaskQueue deferred_;
  TimerWheel timers_;
  MemberTask<Reactor, &Reactor::on_stop> stop_{*this};
  std::atomic<bool> stop_requested_{false};

  const std::uint64_t most_held_bytes_;  // for each of its two rings
  Dice dice_;
  BufferPool pool_;
  RecvBuffers recv_buffers_;
  Slab<SendBatch, 8> send_batches_;
  List<Flushable, FlushTag> flushable_;
  List<Lasting, LastingTag> lasting_;
  FileRing files_{*this, ring_};
  FileTable table_{ring_};
  Ring poll_ring_;  // opened when it is first needed
  FileRing polled_files_{*this, poll_ring_, &files_};

  // Written by the loop alone.
  std::atomic<std::uint64_t> turns_{0};
  std::atomic<std::uint64_t> sleeps_{0};
  std::atomic<std::uint64_t> completions_{0};
  std::atomic<std::uint64_t> longest_turn_ns_{0};
};

}  // namespace weft::reactor
