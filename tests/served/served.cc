#include "served/served.h"

#include <gtest/gtest.h>

#include "base/buffer.h"
#include "base/dice.h"

namespace weft::served {

Served::Served(std::shared_ptr<block::Backend> backend, const ServedOptions& options) {
  auto reactors = reactor::Reactors::start(
      {.count = options.reactors, .buffer_bytes_each = options.buffer_bytes_each, .name = "served"});
  if (!reactors) throw raw_host::Failure(reactors.error().message);
  reactors_ = std::move(*reactors);
  target_ = std::make_unique<target::Target>(*reactors_);
  transport_ = std::make_unique<tcp::TcpTransport>(*reactors_, options.tcp);
  loop_ = std::make_unique<loop::LoopTransport>(*reactors_);
  port_ = target_->add_port({.id = PortId(1), .traddr = "127.0.0.1", .trsvcid = "0"}).value();
  subsystem_ = add_subsystem(kNqn, std::move(backend));
  listener_ =
      transport_->listen({.traddr = "127.0.0.1", .trsvcid = std::to_string(options.port)}, *port_).value();
  loop_listener_ = loop_->listen({}, *port_).value();
  port_number_ = static_cast<std::uint16_t>(std::stoul(listener_->trsvcid()));
}

std::shared_ptr<target::Subsystem> Served::add_subsystem(const std::string& nqn,
                                                         std::shared_ptr<block::Backend> backend) {
  auto subsystem = target_->add_subsystem(nqn).value();
  EXPECT_TRUE(subsystem->change_settings([](target::SubsystemSettings& settings) -> Result<> {
    settings.allow_any_host = true;
    return {};
  }));
  EXPECT_TRUE(subsystem->add_namespace(Nsid(1), {.backend = std::move(backend)}));
  port_->link(subsystem);
  return subsystem;
}

Served::~Served() {
  stop_listening();
  EXPECT_TRUE(target_->shut_down(std::chrono::seconds(30)));
  cut_connections();
  EXPECT_TRUE(eventually([this] { return transport_->connections() == 0 && loop_->connections() == 0; }));
  subsystem_.reset();
  for (const auto& each : target_->subsystems()) {
    EXPECT_TRUE(each->controllers().empty());
    EXPECT_TRUE(target_->remove_subsystem(each->nqn(), [] {}));
  }
  reactors_->stop();
  for (Loop* loop : reactors_->all()) EXPECT_EQ(loop->buffers().held_bytes(), 0u) << "data buffers leak";
  port_.reset();
  target_.reset();
  transport_.reset();
  loop_.reset();
}

raw_host::HostOptions Served::host_options(bool hdgst, bool ddgst) const {
  raw_host::HostOptions options;
  options.queue.port = port_number_;
  options.queue.init.hdgst = hdgst;
  options.queue.init.ddgst = ddgst;
  options.subnqn = kNqn;
  return options;
}

raw_host::Bytes pattern(std::size_t count, std::uint64_t seed) {
  raw_host::Bytes bytes(count);
  Dice dice(seed);
  std::size_t at = 0;
  for (; at + sizeof(std::uint64_t) <= count; at += sizeof(std::uint64_t)) {
    const std::uint64_t value = dice.next();
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }
  for (; at < count; ++at) bytes[at] = static_cast<std::byte>(dice.next());
  return bytes;
}

}  // namespace weft::served
