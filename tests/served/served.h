// A whole server in the test's process: reactors, TCP transport and target, with the backends that the test
// gives.  Hosts reach it at port() on 127.0.0.1 by tests/raw_host.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "block/backend.h"
#include "raw_host/host_controller.h"
#include "reactor/reactor.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"
#include "transports/loop/transport.h"
#include "transports/tcp/transport.h"

namespace weft::served {

struct ServedOptions {
  unsigned reactors = 2;
  std::size_t buffer_bytes_each = std::size_t{64} * 1024 * 1024;
  tcp::Options tcp;
  std::uint16_t port = 0;  // 0: one that is free
};

class Served {
 public:
  static constexpr const char* kNqn = "nqn.2024-01.test:real";

  // The backend is namespace 1.
  explicit Served(std::shared_ptr<block::Backend> backend, const ServedOptions& options = {});
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served();  // after the hosts; what they left is checked here

  std::uint16_t port() const { return port_number_; }
  raw_host::HostOptions host_options(bool hdgst = false, bool ddgst = false) const;
  // One more subsystem on the same port.
  std::shared_ptr<target::Subsystem> add_subsystem(const std::string& nqn,
                                                   std::shared_ptr<block::Backend> backend);
  target::Target& target() { return *target_; }
  tcp::TcpTransport& transport() { return *transport_; }
  loop::LoopTransport& loop() { return *loop_; }  // its port is the same
  target::Subsystem& subsystem() { return *subsystem_; }
  reactor::Reactors& reactors() { return *reactors_; }
  // Nobody connects any more.
  void stop_listening() {
    listener_.reset();
    loop_listener_.reset();
  }
  // As a network that fails: every connection ends.
  void cut_connections() {
    transport_->shut_down();
    loop_->shut_down();
  }

 private:
  std::unique_ptr<reactor::Reactors> reactors_;
  std::unique_ptr<target::Target> target_;
  std::unique_ptr<tcp::TcpTransport> transport_;
  std::unique_ptr<loop::LoopTransport> loop_;
  std::shared_ptr<target::Port> port_;
  std::shared_ptr<target::Subsystem> subsystem_;
  std::unique_ptr<fabric::Listener> listener_;
  std::unique_ptr<fabric::Listener> loop_listener_;
  std::uint16_t port_number_ = 0;
};

// Until the condition holds; false when it does not within a minute.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Bytes that say where they belong: which write, and the place in it.
raw_host::Bytes pattern(std::size_t count, std::uint64_t seed);

}  // namespace weft::served
