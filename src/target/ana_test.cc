// Asymmetric access: what hosts are told, what their commands meet, and when a change counts as done.
#include "target/ana.h"

#include "target/testing.h"

namespace weft::target {

namespace {

using namespace wire::status;
using fabric::FakeHost;
using wire::AnaState;

constexpr AnaGroupId kGroup{1};
constexpr PortId kPort{1};

class Ana : public TargetTest {
 protected:
  struct Log {
    wire::AnaLogHeader header;
    struct Group {
      wire::AnaGroupDescriptor descriptor;
      std::vector<wire::le32> nsids;
    };
    std::vector<Group> groups;
  };

  bool set(AnaState state, AnaGroupId group = kGroup, PortId port = kPort) {
    AnaStates states = subsystem_->snapshot()->ana_of(port);
    states.set(group, state);
    done_ = false;
    subsystem_->set_ana_states(port, states, [this] { done_ = true; });
    loops_.run_until_idle();
    return done_;
  }

  Log read_log(FakeHost& host, std::uint8_t lsp = 0) {
    std::vector<std::byte> bytes(4096);
    EXPECT_TRUE(host.get_log({.lid = 0x0C, .lsp = lsp}, bytes).ok());
    Log log;
    const std::byte* from = bytes.data();
    const auto take = [&from](auto& into) {
      std::memcpy(&into, from, sizeof(into));
      from += sizeof(into);
    };
    take(log.header);
    for (unsigned i = 0; i < log.header.groups; ++i) {
      auto& group = log.groups.emplace_back();
      take(group.descriptor);
      group.nsids.resize(group.descriptor.nsids);
      for (auto& nsid : group.nsids) take(nsid);
    }
    return log;
  }

  bool done_ = false;
};

TEST_F(Ana, EveryStateHasItsStatus) {
  FakeHost& host = connected_host();
  std::vector<std::byte> data(512);
  const std::pair<AnaState, wire::Status> table[] = {
      {AnaState::inaccessible, kAnaInaccessible},
      {AnaState::persistent_loss, kAnaPersistentLoss},
      {AnaState::change, kAnaTransition},
      {AnaState::non_optimized, kSuccess},
      {AnaState::optimized, kSuccess},
  };
  const auto same = [](const FakeHost::Answer& answer, wire::Status wanted) {
    return answer.completed() && answer.status() == wanted;  // DNR too: hosts try another path
  };
  for (const auto& [state, status] : table) {
    ASSERT_TRUE(set(state));
    EXPECT_TRUE(same(host.read(kNsid, {0, 1}, data), status)) << name(state);
    EXPECT_TRUE(same(host.write(kNsid, {0, 1}, data), status)) << name(state);
    EXPECT_TRUE(same(host.compare(kNsid, {0, 1}, data), status)) << name(state);
    EXPECT_TRUE(same(host.write_zeroes(kNsid, {0, 1}, false), status)) << name(state);
    EXPECT_TRUE(same(host.flush(kNsid), status)) << name(state);
    EXPECT_TRUE(same(host.flush(kAllNamespaces), status)) << name(state);
    wire::IdentifyNamespace id;
    ASSERT_TRUE(host.identify_namespace(kNsid, id).ok());
    EXPECT_EQ(id.nsze, kBlocks);
    EXPECT_EQ(id.nuse, status.ok() ? kBlocks : 0u) << name(state);
    EXPECT_EQ(id.anagrpid, 1u);
  }
}

TEST_F(Ana, GroupsOtherThanTheFirstBeginInaccessible) {
  ASSERT_TRUE(subsystem_->add_namespace(Nsid(2), {.backend = fault_, .ana_group = AnaGroupId(128)}));
  FakeHost& host = connected_host();
  std::vector<std::byte> data(512);
  EXPECT_TRUE(host.read(Nsid(2), {0, 1}, data).is(kAnaInaccessible));
  EXPECT_TRUE(host.flush(kAllNamespaces).is(kAnaInaccessible));
  EXPECT_TRUE(set(AnaState::optimized, AnaGroupId(128)));
  EXPECT_TRUE(host.read(Nsid(2), {0, 1}, data).ok());
}

TEST_F(Ana, TheLogNamesGroupsThatHaveNamespaces) {
  ASSERT_TRUE(subsystem_->add_namespace(Nsid(7), {.backend = fault_}));
  ASSERT_TRUE(subsystem_->add_namespace(Nsid(3), {.backend = fault_, .ana_group = AnaGroupId(5)}));
  ASSERT_TRUE(set(AnaState::change, AnaGroupId(5)));
  FakeHost& host = connected_host();
  const Log log = read_log(host);
  ASSERT_EQ(log.groups.size(), 2u);
  EXPECT_EQ(log.header.change_count, 1u);
  EXPECT_EQ(log.groups[0].descriptor.group_id, 1u);
  EXPECT_EQ(log.groups[0].descriptor.state, static_cast<std::uint8_t>(AnaState::optimized));
  EXPECT_EQ(log.groups[0].nsids, (std::vector<wire::le32>{wire::le32(1), wire::le32(7)}));
  EXPECT_EQ(log.groups[1].descriptor.group_id, 5u);
  EXPECT_EQ(log.groups[1].descriptor.state, static_cast<std::uint8_t>(AnaState::change));
  EXPECT_EQ(log.groups[1].nsids, (std::vector<wire::le32>{wire::le32(3)}));
  for (const auto& group : read_log(host, wire::kAnaGroupsOnly).groups) EXPECT_TRUE(group.nsids.empty());
}

TEST_F(Ana, HostsOfThePortHearOfAChangeOnce) {
  FakeHost& host = connected_host();
  ASSERT_TRUE(host.set_features({.fid = 0x0B, .cdw11 = wire::AsyncEventConfiguration::kAnaChange}).ok());
  auto& first = host.send_async_event_request();
  auto& second = host.send_async_event_request();
  set(AnaState::non_optimized, kGroup, PortId(2));
  EXPECT_FALSE(first.finished()) << "another port's";
  set(AnaState::optimized);
  EXPECT_FALSE(first.finished()) << "nothing has changed";
  set(AnaState::change);
  ASSERT_TRUE(first.completed());
  EXPECT_EQ(wire::AsyncEvent::decode(static_cast<std::uint32_t>(first.cqe().result)), wire::kAnaChangeEvent);
  set(AnaState::inaccessible);
  EXPECT_FALSE(second.finished()) << "the log was not read yet";
  read_log(host);
  ASSERT_TRUE(subsystem_->set_ana_group(kNsid, AnaGroupId(2), [] {}));
  loops_.run_until_idle();
  EXPECT_TRUE(second.completed());
}

TEST_F(Ana, AChangeCountsWhenWhatWasAdmittedBeforeHasEnded) {
  FakeHost& host = connected_host();
  const auto data = pattern(512, 3);
  for (const bool of_namespace : {false, true}) {
    SCOPED_TRACE(of_namespace);
    delay_->hold({.ops = block::op_bit(block::Op::write)});
    auto& write = host.io(Qid(1)).submit(wire::make_write({.nsid = kNsid, .range = {0, 1}}), {.out = data});
    loops_.run_until_idle();
    bool done = false;
    AnaStates states;
    states.set(kGroup, AnaState::inaccessible);
    if (of_namespace)
      ASSERT_TRUE(subsystem_->set_ana_group(kNsid, AnaGroupId(9), [&done] { done = true; }));
    else
      subsystem_->set_ana_states(kPort, states, [&done] { done = true; });
    loops_.run_until_idle();
    EXPECT_FALSE(done);
    std::vector<std::byte> in(512);
    EXPECT_TRUE(host.read(kNsid, {0, 1}, in).is(kAnaInaccessible)) << "the new state holds at once";
    delay_->stop_holding();
    delay_->release();
    EXPECT_TRUE(host.wait(host.io(Qid(1)), write).ok());
    loops_.run_until_idle();
    EXPECT_TRUE(done);
    ASSERT_TRUE(set(AnaState::optimized));
    EXPECT_TRUE(host.read(kNsid, {0, 1}, in).is(of_namespace ? kAnaInaccessible : kSuccess));
  }
}

// What was let go by a controller that has ended is still at the backend.
TEST_F(Ana, AHostOrPortCountsAsGoneWhenItsLateWritesHaveEnded) {
  const auto data = pattern(512, 3);
  for (const bool of_port : {false, true}) {
    SCOPED_TRACE(of_port);
    FakeHost& host = connected_host();
    delay_->hold({.ops = block::op_bit(block::Op::write)});
    host.io(Qid(1)).submit(wire::make_write({.nsid = kNsid, .range = {0, 1}}), {.out = data});
    loops_.run_until_idle();
    bool done = false;
    if (of_port) {
      port_->unlink(*subsystem_);
      subsystem_->leave_port(kPort, [&done] { done = true; });
    } else {
      allow_any_host(false);
      ASSERT_TRUE(subsystem_->add_host(options().hostnqn));
      ASSERT_TRUE(subsystem_->remove_host(options().hostnqn, [&done] { done = true; }));
      allow_any_host(true);
    }
    loops_.run_until_idle();
    EXPECT_TRUE(host.admin().is_retired());
    EXPECT_FALSE(done);
    delay_->stop_holding();
    delay_->release();
    loops_.run_until_idle();
    EXPECT_TRUE(done);
  }
}

TEST_F(Ana, APortThatLeavesEndsItsOwnControllersAlone) {
  const auto other = *target_.add_port({.id = PortId(2), .traddr = "127.0.0.1", .trsvcid = "4421"});
  other->link(subsystem_);
  FakeHost& here = connected_host();
  {
    FakeHost there(loops_[0], *other, [this] { return loops_.run_turn(); }, options());
    ASSERT_TRUE(there.connect().ok());
    other->unlink(*subsystem_);
    bool done = false;
    subsystem_->leave_port(PortId(2), [&done] { done = true; });
    loops_.run_until_idle();
    EXPECT_TRUE(done);
    EXPECT_TRUE(there.admin().is_retired());
    std::vector<std::byte> in(512);
    EXPECT_TRUE(here.read(kNsid, {0, 1}, in).ok());
    EXPECT_TRUE(there.connect_admin().is(kConnectInvalidParameters));
  }
  ASSERT_TRUE(target_.remove_port(PortId(2)));
}

}  // namespace

}  // namespace weft::target
