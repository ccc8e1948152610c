#include "cli/plan.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "cli/announcement.h"
#include "wire/nqn.h"

namespace weft::cli {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

constexpr const char* kHost = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";

TargetOptions options_with(std::vector<std::string> listen) {
  TargetOptions options;
  options.exports = {"1M", "null:1T"};
  options.listen = std::move(listen);
  return options;
}

TEST(Plan, IsADocumentThatIsReadBackEqual) {
  auto options = options_with({"127.0.0.1:4420", "[::1]:4421"});
  options.nqn = "nqn.2026-01.io.example:disk";
  const auto plan = make_plan(options, Ports::written);
  ASSERT_TRUE(plan) << plan.error().message;
  const auto parsed = config::parse_document(config::write_document(plan->document));
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->problems, IsEmpty());
  EXPECT_EQ(parsed->document, plan->document);
  ASSERT_EQ(plan->document.subsystems.count(options.nqn), 1u);
  const auto& subsystem = plan->document.subsystems.at(options.nqn);
  EXPECT_EQ(subsystem.attributes.at("attr_allow_any_host"), "1");
  EXPECT_EQ(subsystem.namespaces.at(Nsid(2)).device, "null_1/disk2");
  EXPECT_TRUE(subsystem.ports.contains({"tcp", "::1", "4421"}));
  EXPECT_TRUE(plan->document.discovery_ports.contains({"tcp", "127.0.0.1", "8009"}));
  EXPECT_TRUE(plan->document.discovery_ports.contains({"tcp", "::1", "8009"}));
}

TEST(Plan, ListsTheHostsThatAreNamed) {
  auto options = options_with({"0.0.0.0:4420"});
  options.hosts = {kHost, "nqn.2026-01.io.example:host"};
  const auto plan = make_plan(options, Ports::written);
  ASSERT_TRUE(plan) << plan.error().message;
  const auto& subsystem = plan->document.subsystems.at(plan->nqn);
  EXPECT_THAT(subsystem.hosts, ElementsAre(Key(kHost), Key("nqn.2026-01.io.example:host")));
  EXPECT_THAT(subsystem.attributes, IsEmpty());
}

TEST(Plan, AdvertisesInsteadOfTheListener) {
  auto options = options_with({"127.0.0.1:4420"});
  options.nqn = "nqn.2026-01.io.example:disk";
  options.advertise = {"192.0.2.7:14420"};
  const auto plan = make_plan(options, Ports::written);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->document.subsystems.at(plan->nqn).ports.at({"tcp", "127.0.0.1", "4420"}).advertise,
            "192.0.2.7:14420");
  EXPECT_THAT(host_commands(*plan),
              ElementsAre("nvme discover -t tcp -a 192.0.2.7 -s 14420",
                          "nvme connect -t tcp -a 192.0.2.7 -s 14420 -n nqn.2026-01.io.example:disk"));
}

TEST(Plan, HasThePortOfDiscoveryOnceWhereASubsystemListensOnIt) {
  auto options = options_with({"127.0.0.1:8009"});
  options.advertise = {"192.0.2.7:8009"};
  const auto plan = make_plan(options, Ports::written);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->document.discovery_ports, plan->document.subsystems.at(plan->nqn).ports)
      << "one listener advertises one address";
}

TEST(Plan, IsRefusedWithTheRule) {
  const struct {
    const char* what;
    void (*spoil)(TargetOptions&);
    const char* rule;
  } cases[] = {
      {"nothing", [](TargetOptions& o) { o.exports.clear(); }, "nothing to export"},
      {"any host elsewhere", [](TargetOptions& o) { o.listen = {"0.0.0.0:4420"}; }, "--hosts NQN"},
      {"any host on one of two", [](TargetOptions& o) { o.listen.emplace_back("192.0.2.1:1"); },
       "--hosts NQN"},
      {"no port", [](TargetOptions& o) { o.listen = {"127.0.0.1"}; }, "--listen: address \"127.0.0.1\""},
      {"no brackets", [](TargetOptions& o) { o.listen = {"::1:4420"}; }, "HOST:PORT"},
      {"a name", [](TargetOptions& o) { o.listen = {"localhost:4420"}; }, "numeric"},
      {"a large port", [](TargetOptions& o) { o.listen = {"127.0.0.1:70000"}; }, "0 to 65535"},
      {"twice", [](TargetOptions& o) { o.listen.push_back(o.listen.front()); }, "it is there twice"},
      {"port 0", [](TargetOptions& o) { o.listen = {"127.0.0.1:0"}; }, "needs the port's number"},
      {"one address too many", [](TargetOptions& o) { o.advertise = {"a:1", "b:2"}; }, "2 of them for 1"},
      {"no address", [](TargetOptions& o) { o.advertise = {"here"}; }, "\"here\" must be ADDRESS:SERVICE"},
      {"advertised 0", [](TargetOptions& o) { o.advertise = {"192.0.2.1:0"}; }, "the port's number"},
      {"no NQN", [](TargetOptions& o) { o.nqn = "disk"; }, "--nqn \"disk\": must be nqn.YYYY-MM"},
      {"discovery's", [](TargetOptions& o) { o.nqn = wire::kDiscoveryNqn; }, "choose another"},
      {"a long NQN", [](TargetOptions& o) { o.nqn.assign(224, 'n'); }, "longer than 223 bytes"},
      {"no host", [](TargetOptions& o) { o.hosts = {""}; }, "--hosts \"\": the name must not be empty"},
      {"host's form", [](TargetOptions& o) { o.hosts = {"any"}; }, "--hosts \"any\": must be nqn."},
  };
  for (const auto& each : cases) {
    auto options = options_with({"127.0.0.1:4420"});
    each.spoil(options);
    const auto plan = make_plan(options, Ports::written);
    ASSERT_FALSE(plan) << each.what;
    EXPECT_EQ(plan.error().code, EINVAL) << each.what;
    EXPECT_THAT(plan.error().message, HasSubstr(each.rule)) << each.what;
  }
}

TEST(DefaultNqn, IsUsableAndBelongsToExportsAndAddresses) {
  const auto nqn_of = [](std::vector<std::string> exports, const char* listen) {
    auto options = options_with({listen});
    options.exports = std::move(exports);
    return make_plan(options, Ports::written)->nqn;
  };
  const std::string nqn = nqn_of({"1M"}, "127.0.0.1:4420");
  EXPECT_EQ(wire::nqn_form(nqn), wire::NqnForm::date) << nqn;
  EXPECT_EQ(nqn_of({"1M"}, "127.0.0.1:4420"), nqn);
  EXPECT_EQ(nqn_of({"ramdisk:1024K"}, "127.0.0.1:4420"), nqn) << "the same, written differently";
  EXPECT_NE(nqn_of({"2M"}, "127.0.0.1:4420"), nqn);
  EXPECT_NE(nqn_of({"1M"}, "127.0.0.1:4421"), nqn) << "two that run at the same time differ";
}

TEST(ReservedPort, IsANumberThatNobodyElseIsGiven) {
  const auto any = net::Address::parse_with_port("127.0.0.1:0");
  ASSERT_TRUE(any);
  const auto one = ReservedPort::take(*any);
  const auto other = ReservedPort::take(*any);
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->address().port, 0);
  EXPECT_NE(one->address().port, other->address().port);
}

TEST(ReachableAddress, IsNeverTheAnyAddress) {
  for (const char* text : {"0.0.0.0:4420", "[::]:4420", "127.0.0.1:4420"}) {
    const auto reached = reachable_address(*net::Address::parse_with_port(text));
    EXPECT_FALSE(reached.is_any()) << text;
    EXPECT_EQ(reached.port, 4420) << text;
  }
}

TEST(HostCommands, QuoteWhatAShellWouldTakeApart) {
  auto options = options_with({"127.0.0.1:4420"});
  options.nqn = "nqn.2026-01.io.example:a b'c";
  const auto plan = make_plan(options, Ports::written);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(host_commands(*plan).back(), HasSubstr(R"(-n 'nqn.2026-01.io.example:a b'\''c')"));
  EXPECT_THAT(host_commands(*plan).front(), HasSubstr("-s 8009"));
}

}  // namespace

}  // namespace weft::cli
