#include "target/events.h"

#include <gtest/gtest.h>

#include <vector>

#include "target/controller.h"
#include "target/test_target.h"

namespace weft::target {
namespace {

using namespace wire::status;
using fabric::Exchange;

constexpr wire::AsyncEvent kTemperature{wire::EventType::smart, wire::event_info::kTemperature,
                                        wire::LogId::smart};

std::vector<Nsid> changed(std::initializer_list<std::uint32_t> nsids) {
  Events events;
  for (const std::uint32_t nsid : nsids) events.note_changed(Nsid(nsid));
  return events.take_changed(true);
}

TEST(ChangedNamespaces, AscendAndComeOnce) {
  EXPECT_EQ(changed({}), std::vector<Nsid>{});
  EXPECT_EQ(changed({7, 2, 7, 3}), (std::vector<Nsid>{Nsid(2), Nsid(3), Nsid(7)}));
}

TEST(ChangedNamespaces, StayUntilTheyAreTaken) {
  Events events;
  events.note_changed(Nsid(1));
  EXPECT_EQ(events.take_changed(false).size(), 1u);
  EXPECT_EQ(events.take_changed(true).size(), 1u);
  EXPECT_TRUE(events.take_changed(true).empty());
}

TEST(ChangedNamespaces, MoreThanFitAreAll) {
  Events events;
  for (std::uint32_t nsid = 1; nsid <= 1024; ++nsid) events.note_changed(Nsid(nsid));
  EXPECT_EQ(events.take_changed(false).size(), 1024u);
  events.note_changed(Nsid(1));  // is in the list
  EXPECT_EQ(events.take_changed(false).size(), 1024u);
  events.note_changed(Nsid(1025));
  EXPECT_EQ(events.take_changed(true), std::vector<Nsid>{kAllNamespaces});
  events.note_changed(Nsid(5));
  EXPECT_EQ(events.take_changed(true), std::vector<Nsid>{Nsid(5)});
}

class EventRequests : public testing::Test {
 protected:
  Events& events() { return target.subsystem->find_controller(host->cntlid())->events(); }
  Exchange& request() { return host->send_async_event_request(); }
  void settle() { target.loops.run_until_idle(); }

  TestTarget target;
  std::unique_ptr<fabric::FakeHost> host = target.connect();
};

TEST_F(EventRequests, WaitForAnEvent) {
  Exchange& exchange = request();
  settle();
  EXPECT_FALSE(exchange.finished());
  events().raise(wire::kNamespaceChangedEvent);
  settle();
  ASSERT_TRUE(exchange.completed());
  EXPECT_TRUE(exchange.status().ok());
  EXPECT_EQ(wire::AsyncEvent::decode(exchange.cqe().dw0()), wire::kNamespaceChangedEvent);
}

TEST_F(EventRequests, GetAnEventThatWaited) {
  events().raise(wire::kNamespaceChangedEvent);
  Exchange& exchange = request();
  settle();
  EXPECT_TRUE(exchange.completed());
}

TEST_F(EventRequests, GetOneOfAKindUntilItsLogPageIsRead) {
  Exchange& first = request();
  Exchange& second = request();
  events().raise(wire::kNamespaceChangedEvent);
  events().raise(wire::kNamespaceChangedEvent);
  settle();
  EXPECT_TRUE(first.completed());
  EXPECT_FALSE(second.finished());

  events().log_read(wire::LogId::ana);
  events().raise(wire::kNamespaceChangedEvent);
  settle();
  EXPECT_FALSE(second.finished()) << "another page was read";

  events().log_read(wire::LogId::changed_namespace_list);
  events().raise(wire::kNamespaceChangedEvent);
  settle();
  EXPECT_TRUE(second.completed());
}

TEST_F(EventRequests, OfOtherKindsAreNotMasked) {
  Exchange& first = request();
  Exchange& second = request();
  events().raise(wire::kNamespaceChangedEvent);
  events().raise(kTemperature);
  settle();
  ASSERT_TRUE(first.completed());
  ASSERT_TRUE(second.completed());
  EXPECT_EQ(wire::AsyncEvent::decode(second.cqe().dw0()), kTemperature);
}

TEST_F(EventRequests, AreLimited) {
  for (std::size_t i = 0; i < Events::kMaxRequests; ++i) request();
  const auto answer = host->wait(host->admin(), request());
  EXPECT_TRUE(answer.is(kAsyncEventLimitExceeded));
}

TEST_F(EventRequests, CanBeAborted) {
  Exchange& exchange = request();
  settle();
  const auto answer = host->abort(Qid(0), Cid(exchange.sqe.cid));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.dw0() & wire::kAbortResultNotAborted, 0u);
  ASSERT_TRUE(exchange.completed());
  EXPECT_TRUE(exchange.status().is(kAbortRequested));
  events().raise(wire::kNamespaceChangedEvent);  // and is not given to the aborted one
  settle();
}

TEST_F(EventRequests, EndWithTheConnection) {
  Exchange& exchange = request();
  settle();
  host->admin().cut();
  settle();
  EXPECT_TRUE(exchange.finished());
}

TEST_F(EventRequests, TellOfANamespaceOnceTheHostWantsIt) {
  Exchange& exchange = request();
  target.add_namespace(1);
  EXPECT_FALSE(exchange.finished()) << "the event is off";
  const auto on = static_cast<std::uint8_t>(wire::FeatureId::async_event_configuration);
  ASSERT_TRUE(
      host->set_features({.fid = on, .cdw11 = wire::AsyncEventConfiguration::kNamespaceAttribute}).ok());
  target.add_namespace(2);
  ASSERT_TRUE(exchange.completed());
  EXPECT_EQ(wire::AsyncEvent::decode(exchange.cqe().dw0()), wire::kNamespaceChangedEvent);
}

}  // namespace
}  // namespace weft::target
