// A target with one subsystem on one port, on loops that the test turns, for tests with a FakeHost.  Hosts
// are destroyed before it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/test_loop.h"
#include "block/memory_backend.h"
#include "fabric/fake_host.h"
#include "target/port.h"
#include "target/subsystem.h"
#include "target/target.h"
#include "wire/nqn.h"

namespace weft::target {

inline constexpr const char* kTestNqn = "nqn.2014-08.org.weft:test";

class TestTarget {
 public:
  explicit TestTarget(PortOptions options = port_options()) : loops(2), target(loops) {
    subsystem = *target.add_subsystem(kTestNqn);
    EXPECT_TRUE(subsystem->change_settings([](SubsystemSettings& settings) {
      settings.allow_any_host = true;
      return Result<>();
    }));
    port = *target.add_port(std::move(options));
    port->link(subsystem);
  }
  TestTarget(const TestTarget&) = delete;
  TestTarget& operator=(const TestTarget&) = delete;
  ~TestTarget() {
    for (const auto& each : target.subsystems()) EXPECT_TRUE(target.remove_subsystem(each->nqn(), [] {}));
    subsystem.reset();
    loops.run_until_idle();
  }

  static PortOptions port_options() { return {.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "4420"}; }

  std::shared_ptr<block::MemoryBackend> add_namespace(std::uint32_t nsid, std::uint64_t blocks = 1024,
                                                      std::uint32_t block_bytes = 512,
                                                      bool read_only = false) {
    auto backend = std::make_shared<block::MemoryBackend>(blocks, block_bytes);
    const auto added = subsystem->add_namespace(Nsid(nsid), {.backend = backend, .read_only = read_only});
    EXPECT_TRUE(added) << added.error().message;
    loops.run_until_idle();
    return backend;
  }

  using HostOptions = fabric::FakeHost::Options;

  std::unique_ptr<fabric::FakeHost> make_host(HostOptions options, Port& through) {
    return std::make_unique<fabric::FakeHost>(
        loops[0], through, [this] { return loops.run_turn(); }, std::move(options));
  }
  // Connected and enabled.
  std::unique_ptr<fabric::FakeHost> connect(HostOptions options = {.subnqn = kTestNqn}) {
    auto host = make_host(std::move(options), *port);
    EXPECT_TRUE(host->connect().ok());
    return host;
  }
  std::unique_ptr<fabric::FakeHost> connect_discovery(HostOptions options = {}) {
    options.subnqn = wire::kDiscoveryNqn;
    return connect(std::move(options));
  }

  TestLoops loops;
  Target target;
  std::shared_ptr<Subsystem> subsystem;
  std::shared_ptr<Port> port;
};

}  // namespace weft::target
