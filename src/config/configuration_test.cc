#include "config/configuration.h"

#include <gtest/gtest.h>

#include "config/test_configuration.h"

namespace weft::config {
namespace {

using namespace std::chrono_literals;

// A document of devices and of a subsystem "one" with a host, namespaces and ports.
std::string document(const std::string& devices, const std::string& namespaces = "",
                     const std::string& ports = "", const std::string& more = "") {
  return R"({"version": 1, "target": {"core": {"disk_0": {)" + devices +
         R"(}}}, "nvmet": {"subsystems": {"one": {"hosts": {"h": {}}, "namespaces": {)" + namespaces +
         R"(}, "ports": {)" + ports + "}}}" + more + "}}";
}

constexpr const char* kA = R"("a": {})";
constexpr const char* kNs1 = R"("1": {"device": "target/core/disk_0/a"})";
constexpr const char* kPort = R"("tcp:127.0.0.1:4420": {})";

TEST_F(ConfigurationTest, MakesADocumentTrue) {
  EXPECT_EQ(apply(document(kA, kNs1, kPort,
                           R"(, "discovery": {"ports": {"tcp:[::1]:8009": {"addr_advertise": "192.0.2.1:9"}},
                                "referrals": {"far": {"addr_trtype": "tcp", "addr_traddr": "192.0.2.7",
                                                      "addr_trsvcid": "8009"}}})")),
            0u);
  const auto subsystem = target_->find_subsystem("one");
  ASSERT_NE(subsystem, nullptr);
  EXPECT_THAT(subsystem->hosts(), ElementsAre("h"));
  const auto info = find_namespace("one", 1);
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->backend->name(), "disk_0/a");
  EXPECT_EQ(info->backend->serial(), state_.unit_serial("disk_0/a"));
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4420", "tcp:[::1]:8009"));
  target::Port& port = *transport_->acceptors.at("4420");
  EXPECT_EQ(port.find("one"), subsystem);
  EXPECT_FALSE(port.lists_all());
  target::Port& discovery = *transport_->acceptors.at("8009");
  EXPECT_TRUE(discovery.lists_all());
  EXPECT_EQ(discovery.options().adrfam, wire::AddressFamily::ipv6);
  ASSERT_TRUE(discovery.options().advertised.has_value());
  EXPECT_EQ(discovery.options().advertised->traddr, "192.0.2.1");
  EXPECT_NE(port.options().id, discovery.options().id);
  ASSERT_EQ(target_->referrals().size(), 1u);
  EXPECT_EQ(target_->referrals()[0].name, "far");
  EXPECT_EQ(configuration_->backends().size(), 1u);
  EXPECT_THAT(configuration_->opening(), IsEmpty());
}

TEST_F(ConfigurationTest, ListenersComeLast) {
  ASSERT_EQ(apply(document(kA, kNs1, kPort)), 0u);
  EXPECT_THAT(journal_.take(),
              ElementsAre("note target/core/disk_0/a: open: test disk", "listening tcp:127.0.0.1:4420"));
}

TEST_F(ConfigurationTest, OneBadItemDoesNotStopTheRest) {
  const struct {
    std::string devices, namespaces, ports;
    std::string says;
  } cases[] = {
      {R"(, "b": {"control": {"how": "fail"}})", "", "", "problem target/core/disk_0/b: how \"fail\""},
      {R"(, "b": {"control": {"hau": "x"}})", "", "",
       "problem target/core/disk_0/b/control/hau: \"x\": unknown key; known here: block_size, buffered, how, "
       "path, size"},
      {R"(}, "diks_0": {"b": {})", "", "",
       "problem target/core/diks_0/b: there is no such plugin; known: disk, ram"},
      {"", R"(, "2": {"device": "target/core/disk_0/none"})", "",
       "problem nvmet/subsystems/one/namespaces/2: device \"target/core/disk_0/none\""},
      {R"(, "b": {"enable": 0})", R"(, "2": {"device": "target/core/disk_0/b"})", "",
       "problem nvmet/subsystems/one/namespaces/2: device \"target/core/disk_0/b\": there is none that is "
       "enabled"},
      {"", "", R"(, "tcp:127.0.0.1:1": {})", "problem nvmet/subsystems/one/ports/tcp:127.0.0.1:1: "},
      {"", "", R"(, "tcp:127.0.0.1:0": {})", "service id 0: hosts need a number"},
      {"", "", R"(, "tcp:nonsense:5": {})", "\"nonsense\" must be an address"},
      {"", "", R"(, "tcp:[0:0::1]:5": {})", "\"tcp:[0:0::1]:5\" must be written tcp:[::1]:5"},
      {"", "", R"(, "rdma:127.0.0.1:5": {})", "there is no transport \"rdma\"; known: tcp"},
  };
  for (const auto& each : cases) {
    restart(patience_);
    journal_.take();
    EXPECT_EQ(apply(document(kA + each.devices, kNs1 + each.namespaces, kPort + each.ports)), 1u)
        << each.says;
    EXPECT_THAT(journal_.take(), Contains(HasSubstr(each.says)));
    EXPECT_NE(find_namespace("one", 1), nullptr);
    EXPECT_EQ(find_namespace("one", 2), nullptr);
    EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4420"));
  }
}

TEST_F(ConfigurationTest, AppliesTheDifference) {
  ASSERT_EQ(
      apply(document(R"("a": {}, "b": {})",
                     R"("1": {"device": "target/core/disk_0/a"}, "2": {"device": "target/core/disk_0/b"})",
                     R"("tcp:127.0.0.1:4420": {}, "tcp:127.0.0.1:4421": {})")),
      0u);
  const auto subsystem = target_->find_subsystem("one");
  TestBackend* const kept = &backend("disk_0/a");
  journal_.take();
  // b goes, c comes; a is the same object, and so is the first port.
  ASSERT_EQ(
      apply(document(R"("a": {}, "c": {})",
                     R"("1": {"device": "target/core/disk_0/a"}, "3": {"device": "target/core/disk_0/c"})",
                     R"("tcp:127.0.0.1:4420": {}, "tcp:127.0.0.1:4422": {})")),
      0u);
  EXPECT_EQ(target_->find_subsystem("one"), subsystem);
  EXPECT_EQ(&backend("disk_0/a"), kept);
  EXPECT_NE(find_namespace("one", 1), nullptr);
  EXPECT_EQ(find_namespace("one", 2), nullptr);
  EXPECT_NE(find_namespace("one", 3), nullptr);
  EXPECT_THAT(journal_.take(),
              ElementsAre("stopped 127.0.0.1:4421", "closed disk_0/b",
                          "note target/core/disk_0/c: open: test disk", "listening tcp:127.0.0.1:4422"));
  // The same again changes nothing.
  ASSERT_EQ(
      apply(document(R"("a": {}, "c": {})",
                     R"("1": {"device": "target/core/disk_0/a"}, "3": {"device": "target/core/disk_0/c"})",
                     R"("tcp:127.0.0.1:4420": {}, "tcp:127.0.0.1:4422": {})")),
      0u);
  EXPECT_THAT(journal_.take(), IsEmpty());
  ASSERT_EQ(apply(R"({"version": 1})"), 0u);
  EXPECT_THAT(target_->subsystems(), IsEmpty());
  EXPECT_THAT(target_->ports(), IsEmpty());
  EXPECT_THAT(configuration_->listening(), IsEmpty());
  EXPECT_THAT(configuration_->backends(), IsEmpty());
}

TEST_F(ConfigurationTest, AChangedDeviceIsOpenedAnewAfterItWasClosed) {
  ASSERT_EQ(apply(document(kA, kNs1)), 0u);
  journal_.take();
  ASSERT_EQ(apply(document(R"("a": {"control": {"size": "2"}})", kNs1)), 0u);
  EXPECT_THAT(journal_.take(), ElementsAre("closed disk_0/a", "note target/core/disk_0/a: open: test disk"));
  EXPECT_NE(find_namespace("one", 1), nullptr);
  EXPECT_EQ(find_namespace("one", 1)->backend->serial(), state_.unit_serial("disk_0/a"));
}

TEST_F(ConfigurationTest, WhatFailedBeforeIsTriedAgain) {
  const std::string failing =
      document(R"("a": {"control": {"how": "fail"}})", kNs1, R"("tcp:127.0.0.1:1": {})");
  EXPECT_EQ(apply(failing), 2u);
  EXPECT_EQ(apply(failing), 2u);
  EXPECT_EQ(apply(document(kA, kNs1)), 0u);
  EXPECT_NE(find_namespace("one", 1), nullptr);
}

TEST_F(ConfigurationTest, HostsAndSettingsFollowTheDocument) {
  const auto subsystem = [](const std::string& fields) {
    return R"({"version": 1, "nvmet": {"subsystems": {"one": {)" + fields + "}}}}";
  };
  ASSERT_EQ(apply(subsystem(R"("hosts": {"h1": {}, "h2": {}}, "attr_model": "M")")), 0u);
  EXPECT_THAT(target_->find_subsystem("one")->hosts(), ElementsAre("h1", "h2"));
  EXPECT_EQ(snapshot("one")->settings.model, "M");
  ASSERT_EQ(apply(subsystem(R"("hosts": {"h2": {}, "h3": {}})")), 0u);
  EXPECT_THAT(target_->find_subsystem("one")->hosts(), ElementsAre("h2", "h3"));
  EXPECT_EQ(snapshot("one")->settings.model, "Weft") << "the default is back";
  ASSERT_EQ(apply(subsystem(R"("attr_allow_any_host": 1)")), 0u);
  EXPECT_THAT(target_->find_subsystem("one")->hosts(), IsEmpty());
  EXPECT_TRUE(snapshot("one")->settings.allow_any_host);
  ASSERT_EQ(apply(subsystem(R"("hosts": {"h1": {}})")), 0u);
  EXPECT_THAT(target_->find_subsystem("one")->hosts(), ElementsAre("h1"));
}

TEST_F(ConfigurationTest, ReferralsFollowTheDocument) {
  const auto referral = [](const std::string& address) {
    return R"({"version": 1, "nvmet": {"discovery": {"referrals": {"far": {"addr_trtype": "tcp",
               "addr_trsvcid": "8009", "addr_traddr": ")" +
           address + "\"}}}}}";
  };
  ASSERT_EQ(apply(referral("192.0.2.1")), 0u);
  ASSERT_EQ(apply(referral("192.0.2.2")), 0u);
  ASSERT_EQ(target_->referrals().size(), 1u);
  EXPECT_EQ(target_->referrals()[0].traddr, "192.0.2.2");
  ASSERT_EQ(apply(R"({"version": 1})"), 0u);
  EXPECT_THAT(target_->referrals(), IsEmpty());
}

TEST_F(ConfigurationTest, SubsystemsWithTheEqualAddressShareAListener) {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"version": 1, "nvmet": {"subsystems": {"one": {"ports": {"tcp:127.0.0.1:4420": {)" + first +
           R"(}}}, "two": {"ports": {"tcp:127.0.0.1:4420": {)" + second + "}}}}}}";
  };
  ASSERT_EQ(apply(two("", "")), 0u);
  target::Port& port = *transport_->acceptors.at("4420");
  EXPECT_NE(port.find("one"), nullptr);
  EXPECT_NE(port.find("two"), nullptr);
  EXPECT_THAT(journal_.take(), ElementsAre("listening tcp:127.0.0.1:4420"));
  EXPECT_EQ(transport_->offered_first, 2u) << "a host that comes at once finds both";
  // One leaves, and comes back: the listener stays.
  ASSERT_EQ(apply(two("", R"("enable": 0)")), 0u);
  EXPECT_EQ(port.find("two"), nullptr);
  ASSERT_EQ(apply(two("", "")), 0u);
  EXPECT_NE(port.find("two"), nullptr);
  EXPECT_THAT(journal_.take(), IsEmpty());
  // What the listener advertises is its own: the second is told who has it.
  EXPECT_EQ(apply(two(R"("addr_advertise": "192.0.2.1:1")", R"("addr_advertise": "192.0.2.2:2")")), 1u);
  EXPECT_THAT(journal_.take(),
              Contains(HasSubstr(
                  "problem nvmet/subsystems/two/ports/tcp:127.0.0.1:4420: addr_advertise "
                  "\"192.0.2.2:2\": nvmet/subsystems/one/ports/tcp:127.0.0.1:4420 has this listener")));
  EXPECT_EQ(transport_->acceptors.at("4420")->find("two"), nullptr);
}

// Whoever sees that a subsystem has gone finds its own listeners closed, whatever the order of the addresses.
TEST_F(ConfigurationTest, ListenersOfARemovedSubsystemCloseFirst) {
  const std::string shared = R"("tcp:127.0.0.1:4420": {})";
  const std::string one = R"("one": {"ports": {)" + shared + "}}";
  for (const std::string own : {"4419", "4421"}) {
    const std::string two = R"("two": {"ports": {)" + shared + R"(, "tcp:127.0.0.1:)" + own + R"(": {}}})";
    const auto text = [](const std::string& all) {
      return R"({"version": 1, "nvmet": {"subsystems": {)" + all + "}}}";
    };
    ASSERT_EQ(apply(text(one + ", " + two)), 0u);
    const auto is_offered = [this] { return transport_->acceptors.at("4420")->find("two") != nullptr; };
    bool was_offered = false;
    transport_->stopped = [&](const std::string& service) {
      if (service == own) was_offered = is_offered();
    };
    ASSERT_EQ(apply(text(one)), 0u);
    transport_->stopped = nullptr;
    EXPECT_TRUE(was_offered) << own;
    EXPECT_FALSE(is_offered()) << own;
  }
}

TEST_F(ConfigurationTest, AsymmetricAccessChangesWhileTheRestStays) {
  ASSERT_EQ(apply(document(kA, kNs1, kPort)), 0u);
  const auto before = find_namespace("one", 1);
  journal_.take();
  ASSERT_EQ(apply(document(kA, R"("1": {"device": "target/core/disk_0/a", "ana_grpid": 9})",
                           R"("tcp:127.0.0.1:4420": {"ana_groups": {"9": {"ana_state": "change"}}})")),
            0u);
  EXPECT_THAT(journal_.take(), IsEmpty()) << "nothing was closed or opened";
  EXPECT_EQ(find_namespace("one", 1)->ana_group, AnaGroupId(9));
  const auto port = transport_->acceptors.at("4420")->options().id;
  EXPECT_EQ(snapshot("one")->ana_of(port).of(AnaGroupId(9)), wire::AnaState::change);
  ASSERT_EQ(apply(document(kA, kNs1, kPort)), 0u);
  EXPECT_EQ(snapshot("one")->ana_of(port), target::AnaStates());
}

TEST_F(ConfigurationTest, PortsKeepTheirIds) {
  ASSERT_EQ(apply(document("", "", R"("tcp:127.0.0.1:4420": {}, "tcp:127.0.0.1:4421": {})")), 0u);
  const PortId second = transport_->acceptors.at("4421")->options().id;
  ASSERT_EQ(apply(document("")), 0u);
  ASSERT_EQ(apply(document("", "", R"("tcp:127.0.0.1:4421": {})")), 0u);
  EXPECT_EQ(transport_->acceptors.at("4421")->options().id, second);
}

TEST_F(ConfigurationTest, UnitSerialsBelongToTheData) {
  constexpr const char* kSerial = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
  const auto text = [&](const std::string& plugin) {
    return R"({"version": 1, "target": {"core": {")" + plugin +
           R"(_0": {"a": {}, "named": {"wwn": {"vpd_unit_serial": ")" + kSerial + R"("}}}}}})";
  };
  for (const std::string plugin : {"disk", "ram"}) {
    ASSERT_EQ(apply(text(plugin)), 0u);
    const Uuid first = backend(plugin + "_0/a").serial();
    EXPECT_EQ(uuid_text(backend(plugin + "_0/named").serial()), kSerial);
    ASSERT_EQ(apply(R"({"version": 1})"), 0u);
    ASSERT_EQ(apply(text(plugin)), 0u);
    EXPECT_EQ(backend(plugin + "_0/a").serial() == first, plugin == "disk");
  }
}

TEST_F(ConfigurationTest, CloseTakesAllDown) {
  ASSERT_EQ(apply(document(kA, kNs1, kPort)), 0u);
  journal_.take();
  configuration_->close_listeners();
  EXPECT_THAT(journal_.take(), ElementsAre("stopped 127.0.0.1:4420"));
  EXPECT_THAT(configuration_->listening(), IsEmpty());
  EXPECT_TRUE(configuration_->close(kTestPatience));
  EXPECT_THAT(journal_.take(), ElementsAre("closed disk_0/a"));
  EXPECT_THAT(target_->subsystems(), IsEmpty());
  EXPECT_THAT(target_->ports(), IsEmpty());
}

}  // namespace
}  // namespace weft::config
