// Hosts that other threads ask for.  A host in memory lives on the thread that turns the loops: what concerns
// it is done there, between two turns, while the caller waits.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>

#include "base/test_loop.h"
#include "fabric/fake_host.h"
#include "target/target.h"

namespace weft::config {

// A connected host with commands in flight.
class BusyHost {
 public:
  BusyHost(TestLoops& loops, std::shared_ptr<target::Port> port, fabric::FakeHost::Options options)
      : port_(std::move(port)), host_(loops[0], *port_, turns(loops), std::move(options)) {}

  bool connect(Loop& loop) { return host_.connect().ok() && host_.connect_io(Qid(1), loop).ok(); }
  // Answers are nobody's concern: the namespace may be gone, and its device may refuse.
  void begin_commands(Nsid nsid) {
    fabric::FakeConnection& queue = host_.io(Qid(1));
    queue.submit(wire::make_read({.nsid = nsid, .range = {0, 1}}), {.in = block_});
    queue.submit(wire::make_write_zeroes({.nsid = nsid, .range = {8, 8}}));
    queue.submit(wire::make_flush({.nsid = nsid}));
  }

 private:
  static constexpr int kMostTurns = 20'000;
  static std::function<bool()> turns(TestLoops& loops) {
    return [&loops, left = kMostTurns]() mutable {
      loops.advance(std::chrono::milliseconds(1));
      return --left > 0;
    };
  }

  const std::shared_ptr<target::Port> port_;
  std::array<std::byte, 512> block_{};
  fabric::FakeHost host_;
};

class HostDesk {
 public:
  // Any thread but the loops'; returns when it is done.
  void ask(std::function<void()> job) {
    std::promise<void> done;
    {
      const std::scoped_lock lock(mutex_);
      jobs_.push_back([&] {
        job();
        done.set_value();
      });
    }
    done.get_future().wait();
  }
  // On the loops' thread.
  void serve() {
    std::deque<std::function<void()>> jobs;
    {
      const std::scoped_lock lock(mutex_);
      jobs.swap(jobs_);
    }
    for (const auto& job : jobs) job();
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> jobs_;
};

}  // namespace weft::config
