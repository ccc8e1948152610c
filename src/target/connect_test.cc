#include "target/testing.h"
#include "wire/fabrics.h"

namespace weft::target {

namespace {

using namespace wire::status;
using fabric::FakeConnection;
using fabric::FakeHost;

class ConnectTest : public TargetTest {
 protected:
  // Connect with any field wrong, on a fresh connection.
  FakeHost::Answer send(const wire::Connect& command, const wire::ConnectData& data,
                        std::size_t bytes = wire::kConnectDataSize) {
    connections_.push_back(std::make_unique<FakeConnection>(loops_[1]));
    FakeConnection& connection = *connections_.back();
    connection.attach(*port_);
    FakeHost& host = new_host(options());
    return host.execute(connection, wire::make_connect(command),
                        {.out = std::as_bytes(std::span(&data, 1)).first(bytes),
                         .pointer = fabric::HostData::Pointer::capsule});
  }

  wire::ConnectData data(std::string_view subnqn = kNqn, std::string_view hostnqn = "nqn.2014-08.test:host",
                         std::uint16_t cntlid = 0xFFFF) {
    wire::ConnectData data{};
    data.hostid[0] = 1;
    data.cntlid = cntlid;
    subnqn.copy(data.subnqn, sizeof(data.subnqn) - 1);
    hostnqn.copy(data.hostnqn, sizeof(data.hostnqn) - 1);
    return data;
  }

  ~ConnectTest() override {
    for (auto& connection : connections_) connection->cut();
    loops_.run_until_idle();
  }

  std::vector<std::unique_ptr<FakeConnection>> connections_;
};

TEST_F(ConnectTest, NamesTheGuiltyField) {
  const wire::Connect admin{.qid = Qid(0), .queue_size = 32};
  auto no_nul = data();
  std::fill(std::begin(no_nul.subnqn), std::end(no_nul.subnqn), 'x');
  auto no_nul_host = data();
  std::fill(std::begin(no_nul_host.hostnqn), std::end(no_nul_host.hostnqn), 'x');
  struct Case {
    const char* what;
    wire::Connect command;
    wire::ConnectData data;
    std::uint16_t offset;
    bool in_data;
  };
  for (const Case& each : {
           Case{"unknown subsystem", admin, data("nqn.2024-01.test:other"), wire::connect_field::kSubnqn,
                true},
           Case{"no subsystem", admin, data(""), wire::connect_field::kSubnqn, true},
           Case{"subsystem without end", admin, no_nul, wire::connect_field::kSubnqn, true},
           Case{"no host", admin, data(kNqn, ""), wire::connect_field::kHostnqn, true},
           Case{"host without end", admin, no_nul_host, wire::connect_field::kHostnqn, true},
           Case{"static controller", admin, data(kNqn, "nqn.2014-08.test:host", 1),
                wire::connect_field::kCntlid, true},
           Case{"too many entries",
                {.qid = Qid(0), .queue_size = 65536},
                data(),
                wire::connect_field::kSqsize,
                false},
           Case{"I/O queue of no controller",
                {.qid = Qid(1), .queue_size = 32},
                data(kNqn, "nqn.2014-08.test:host", 77),
                wire::connect_field::kCntlid,
                true},
       }) {
    const auto answer = send(each.command, each.data);
    EXPECT_TRUE(answer.is(kConnectInvalidParameters)) << each.what << ": " << wire::name(answer.status());
    // A controller that has ended is no reason to give up.
    EXPECT_EQ(answer.status().dnr, each.command.qid == Qid(0)) << each.what;
    const auto field = wire::InvalidParameter::decode(answer.dw0());
    EXPECT_EQ(field.offset, each.offset) << each.what;
    EXPECT_EQ(field.in_data, each.in_data) << each.what;
  }
}

TEST_F(ConnectTest, QueuesComeToAnEnabledControllerByItsPort) {
  FakeHost& host = new_host(options());
  ASSERT_TRUE(host.connect_admin().ok());
  const auto disabled = host.connect_io(Qid(1), loops_[1]);
  EXPECT_TRUE(disabled.is(kConnectInvalidParameters));
  EXPECT_TRUE(disabled.status().dnr);
  ASSERT_TRUE(host.enable().ok());
  const auto other = *target_.add_port({.id = PortId(2), .traddr = "127.0.0.1", .trsvcid = "4421"});
  other->link(subsystem_);
  FakeConnection elsewhere(loops_[1]);
  elsewhere.attach(*other);
  const auto& me = subsystem_->controllers().at(0)->host();
  auto payload = data(kNqn, me.nqn, host.cntlid().value());
  std::ranges::copy(me.id, payload.hostid);
  const auto answer = host.execute(
      elsewhere, wire::make_connect({.qid = Qid(1), .queue_size = 32}),
      {.out = std::as_bytes(std::span(&payload, 1)), .pointer = fabric::HostData::Pointer::capsule});
  EXPECT_TRUE(answer.is(kConnectInvalidParameters));
  EXPECT_EQ(wire::InvalidParameter::decode(answer.dw0()).offset, wire::connect_field::kCntlid);
  elsewhere.cut();
  loops_.run_until_idle();
}

TEST_F(ConnectTest, AZeroQueueSizeIsInvalid) {
  connections_.push_back(std::make_unique<FakeConnection>(loops_[0]));
  connections_.back()->attach(*port_);
  auto sqe = wire::make_connect({.qid = Qid(0), .queue_size = 32});
  sqe.cdw11 = 0;
  const auto payload = data();
  const auto answer = new_host(options()).execute(
      *connections_.back(), sqe,
      {.out = std::as_bytes(std::span(&payload, 1)), .pointer = fabric::HostData::Pointer::capsule});
  EXPECT_TRUE(answer.is(kConnectInvalidParameters));
  EXPECT_EQ(wire::InvalidParameter::decode(answer.dw0()).offset, wire::connect_field::kSqsize);
}

TEST_F(ConnectTest, ShortDataAndStrangeFormats) {
  EXPECT_TRUE(send({.qid = Qid(0), .queue_size = 32}, data(), 1020).is(kDataSglLengthInvalid));
  connections_.push_back(std::make_unique<FakeConnection>(loops_[0]));
  connections_.back()->attach(*port_);
  auto sqe = wire::make_connect({.qid = Qid(0), .queue_size = 32});
  sqe.cdw10 = sqe.cdw10 | 1;
  const auto payload = data();
  EXPECT_TRUE(new_host(options())
                  .execute(*connections_.back(), sqe,
                           {.out = std::as_bytes(std::span(&payload, 1)),
                            .pointer = fabric::HostData::Pointer::capsule})
                  .is(kConnectIncompatibleFormat));
}

TEST_F(ConnectTest, OnlyListedHostsConnect) {
  allow_any_host(false);
  EXPECT_TRUE(send({.qid = Qid(0), .queue_size = 32}, data()).is(kConnectInvalidHost));
  ASSERT_TRUE(subsystem_->add_host("nqn.2014-08.test:host"));
  EXPECT_TRUE(send({.qid = Qid(0), .queue_size = 32}, data()).ok());
  EXPECT_TRUE(
      send({.qid = Qid(0), .queue_size = 32}, data(kNqn, "nqn.2014-08.test:hos")).is(kConnectInvalidHost));
}

TEST_F(ConnectTest, HostsAreNoLongerAnyHosts) {
  FakeHost& host = connected_host();
  allow_any_host(false);
  loops_.run_until_idle();
  EXPECT_TRUE(host.admin().is_retired());
  EXPECT_TRUE(host.io(Qid(1)).is_retired());
  EXPECT_TRUE(new_host(options()).connect_admin().is(kConnectInvalidHost));
}

TEST_F(ConnectTest, AHostThatStaysAllowedNoticesNothing) {
  FakeHost& host = connected_host();
  SubsystemSettings settings = subsystem_->settings();
  settings.allow_any_host = false;
  ASSERT_TRUE(subsystem_->configure(settings, {options().hostnqn}));
  loops_.run_until_idle();
  EXPECT_FALSE(host.admin().is_ending());
  EXPECT_TRUE(host.flush(kNsid).ok());
  settings.allow_any_host = true;
  EXPECT_EQ(subsystem_->configure(settings, {options().hostnqn}).error().code, EINVAL);
  ASSERT_TRUE(subsystem_->configure(settings, {}));
  loops_.run_until_idle();
  EXPECT_FALSE(host.admin().is_ending());
}

TEST_F(ConnectTest, ARemovedHostLosesItsControllers) {
  allow_any_host(false);
  ASSERT_TRUE(subsystem_->add_host(options().hostnqn));
  FakeHost& host = connected_host(2);
  bool done = false;
  ASSERT_TRUE(subsystem_->remove_host(options().hostnqn, [&done] { done = true; }));
  EXPECT_FALSE(done);
  loops_.run_until_idle();
  EXPECT_TRUE(done);
  EXPECT_TRUE(host.admin().is_retired());
  EXPECT_TRUE(host.io(Qid(2)).is_retired());
  EXPECT_EQ(host.admin().close_reason(), fabric::CloseReason::removed);
}

TEST_F(ConnectTest, AnIoQueueBelongsToItsHostAndComesOnce) {
  FakeHost& host = connected_host();
  const std::uint16_t cntlid = host.cntlid().value();
  EXPECT_TRUE(host.connect_io(Qid(2), loops_[1]).ok());
  const wire::Connect io{.qid = Qid(2), .queue_size = 32};
  auto theirs = data(kNqn, options().hostnqn, cntlid);
  std::copy_n(options().hostid.begin(), 16, theirs.hostid);
  EXPECT_TRUE(send(io, theirs).is(kCommandSequenceError)) << "the id is in use";
  auto other_id = theirs;
  other_id.hostid[3] ^= 1;
  EXPECT_EQ(wire::InvalidParameter::decode(send(io, other_id).dw0()).offset, wire::connect_field::kHostid);
  auto other_host = data(kNqn, "nqn.2014-08.test:thief", cntlid);
  EXPECT_EQ(wire::InvalidParameter::decode(send(io, other_host).dw0()).offset, wire::connect_field::kHostnqn);
  const auto beyond = send({.qid = Qid(129), .queue_size = 32}, theirs);
  EXPECT_EQ(wire::InvalidParameter::decode(beyond.dw0()).offset, wire::connect_field::kQid);
}

TEST_F(ConnectTest, NothingGoesBeforeConnect) {
  FakeHost& host = new_host(options());
  connections_.push_back(std::make_unique<FakeConnection>(loops_[0]));
  FakeConnection& connection = *connections_.back();
  connection.attach(*port_);
  EXPECT_TRUE(host.execute(connection, wire::make_keep_alive()).is(kCommandSequenceError));
  EXPECT_TRUE(
      host.execute(connection, wire::make_property_get({.offset = 0, .size = 8})).is(kCommandSequenceError));
  EXPECT_TRUE(host.execute(connection, wire::make_disconnect()).is(kCommandSequenceError));
  wire::Sqe sqe{};
  sqe.opcode = 0xEE;
  EXPECT_TRUE(host.execute(connection, sqe).is(kCommandSequenceError));
}

TEST_F(ConnectTest, CommandsWaitForEnable) {
  FakeHost& host = new_host(options());
  ASSERT_TRUE(host.connect_admin().ok());
  wire::IdentifyController identify;
  EXPECT_TRUE(host.identify_controller(identify).is(kCommandSequenceError));
  ASSERT_TRUE(host.enable().ok());
  EXPECT_TRUE(host.identify_controller(identify).ok());
  EXPECT_EQ(identify.cntlid, host.cntlid().value());
}

TEST_F(ConnectTest, AWrongConfigurationIsFatal) {
  FakeHost& host = new_host(options());
  ASSERT_TRUE(host.connect_admin().ok());
  ASSERT_TRUE(
      host.property_set(wire::property::kCc, wire::Cc{.en = true, .iosqes = 5, .iocqes = 4}.encode()).ok());
  EXPECT_TRUE(wire::Csts::decode(host.property_get(wire::property::kCsts).dw0()).cfs);
  ASSERT_TRUE(host.property_set(wire::property::kCc, 0).ok());
  EXPECT_TRUE(host.enable().ok());
}

TEST_F(ConnectTest, ResetEndsIoQueuesAndShutdownFlushes) {
  FakeHost& host = connected_host(2);
  ASSERT_TRUE(host.disable().ok());
  loops_.run_until_idle();
  EXPECT_TRUE(host.io(Qid(1)).is_retired());
  EXPECT_TRUE(host.io(Qid(2)).is_retired());
  ASSERT_TRUE(host.enable().ok());
  const auto before = disk_->flushes();
  delay_->hold({.ops = block::op_bit(block::Op::flush)});
  ASSERT_TRUE(
      host.property_set(
              wire::property::kCc,
              wire::Cc{.en = true, .shn = wire::ShutdownNotification::normal, .iosqes = 6, .iocqes = 4}
                  .encode())
          .ok());
  EXPECT_EQ(wire::Csts::decode(host.property_get(wire::property::kCsts).dw0()).shst,
            wire::ShutdownStatus::occurring);
  delay_->release();
  loops_.run_until_idle();
  EXPECT_EQ(wire::Csts::decode(host.property_get(wire::property::kCsts).dw0()).shst,
            wire::ShutdownStatus::complete);
  EXPECT_EQ(disk_->flushes(), before + 1);
}

TEST_F(ConnectTest, AFailedFlushIsNoCompleteShutdown) {
  FakeHost& host = connected_host();
  fault_->plan({.match = {.ops = block::op_bit(block::Op::flush)}, .error = EIO});
  EXPECT_FALSE(host.shutdown().ok());
  EXPECT_TRUE(wire::Csts::decode(host.property_get(wire::property::kCsts).dw0()).cfs);
}

TEST_F(ConnectTest, SilenceEndsTheController) {
  auto with_kato = options();
  with_kato.kato_ms = 5000;
  FakeHost& host = new_host(with_kato);
  ASSERT_TRUE(host.connect().ok());
  ASSERT_TRUE(host.connect_io(Qid(1), loops_[1]).ok());
  for (int i = 0; i < 10; ++i) {
    loops_.advance(std::chrono::seconds(4));
    ASSERT_TRUE(host.keep_alive().ok());
  }
  std::vector<std::byte> data(512);
  for (int i = 0; i < 10; ++i) {
    loops_.advance(std::chrono::seconds(4));
    ASSERT_TRUE(host.read(kNsid, {0, 1}, data).ok()) << "traffic of an I/O queue keeps it alive";
  }
  loops_.advance(std::chrono::seconds(11));
  EXPECT_TRUE(host.admin().is_retired());
  EXPECT_TRUE(host.io(Qid(1)).is_retired());
}

TEST_F(ConnectTest, ControllerIdsComeFromTheRangeAndRunOut) {
  ASSERT_TRUE(subsystem_->change_settings([](SubsystemSettings& settings) -> Result<> {
    settings.cntlid_min = 10;
    settings.cntlid_max = 11;
    return {};
  }));
  FakeHost& first = new_host(options());
  FakeHost& second = new_host(options());
  FakeHost& third = new_host(options());
  ASSERT_TRUE(first.connect().ok());
  ASSERT_TRUE(second.connect().ok());
  EXPECT_EQ(first.cntlid(), Cntlid(10));
  EXPECT_EQ(second.cntlid(), Cntlid(11));
  EXPECT_TRUE(third.connect_admin().is(kConnectControllerBusy));
  ASSERT_TRUE(first.drop());
  loops_.run_until_idle();
  EXPECT_TRUE(third.connect().ok());
  EXPECT_EQ(third.cntlid(), Cntlid(10));
}

TEST_F(ConnectTest, DisconnectEndsOneIoQueue) {
  FakeHost& host = connected_host(2);
  EXPECT_TRUE(host.disconnect(Qid(1)).ok());
  loops_.run_until_idle();
  EXPECT_TRUE(host.io(Qid(1)).is_retired());
  EXPECT_FALSE(host.io(Qid(2)).is_ending());
  EXPECT_TRUE(host.connect_io(Qid(1), loops_[0]).ok()) << "the id is free again";
  EXPECT_TRUE(host.disconnect(Qid(0)).is(kInvalidQueueType));
}

}  // namespace

}  // namespace weft::target
