#include <cerrno>

#include "config/test_model_tree.h"

namespace weft::config {
namespace {

class TreeDiscovery : public ModelTreeTest {
 protected:
  static std::string far(const std::string& attribute) {
    return "nvmet/discovery/referrals/far/" + attribute;
  }
};

TEST_F(TreeDiscovery, AReferralFromNothingAndBack) {
  ASSERT_EQ(mkdir("nvmet/discovery/referrals/far"), 0);
  EXPECT_EQ(mkdir("nvmet/discovery/referrals/far"), EEXIST);
  EXPECT_EQ(echo("1", far("enable")), EINVAL);
  EXPECT_THAT(said_, HasSubstr("there is no addr_trtype"));
  ASSERT_EQ(echo("tcp", far("addr_trtype")), 0);
  EXPECT_EQ(echo("1", far("enable")), EINVAL);
  EXPECT_THAT(said_, HasSubstr("addr_traddr and addr_trsvcid"));
  ASSERT_EQ(echo("2001:db8::1", far("addr_traddr")), 0);
  ASSERT_EQ(echo("ipv6", far("addr_adrfam")), 0);
  ASSERT_EQ(echo("8009", far("addr_trsvcid")), 0);
  ASSERT_EQ(echo("not required", far("addr_treq")), 0);
  ASSERT_EQ(echo("7", far("addr_portid")), 0);
  EXPECT_THAT(target_->referrals(), IsEmpty());
  ASSERT_EQ(echo("1", far("enable")), 0) << said_;
  EXPECT_EQ(echo("1", far("enable")), 0);
  ASSERT_EQ(target_->referrals().size(), 1u);
  const target::Referral its = target_->referrals().front();
  EXPECT_EQ(its.name, "far");
  EXPECT_EQ(its.trtype, wire::TransportType::tcp);
  EXPECT_EQ(its.adrfam, wire::AddressFamily::ipv6);
  EXPECT_EQ(its.traddr, "2001:db8::1");
  EXPECT_EQ(its.trsvcid, "8009");
  EXPECT_EQ(its.treq, wire::kTreqNotRequired);
  EXPECT_EQ(its.portid, PortId(7));

  for (const char* attribute :
       {"addr_trtype", "addr_adrfam", "addr_traddr", "addr_trsvcid", "addr_treq", "addr_portid"})
    EXPECT_EQ(echo(cat(far(attribute)), far(attribute)), EACCES) << attribute;
  EXPECT_EQ(echo("0", far("enable")), 0);
  EXPECT_THAT(target_->referrals(), IsEmpty());
  EXPECT_EQ(echo("::2", far("addr_traddr")), 0);
  EXPECT_EQ(echo("1", far("enable")), 0);
  EXPECT_EQ(rmdir("nvmet/discovery/referrals/far"), 0);
  EXPECT_THAT(target_->referrals(), IsEmpty());
  EXPECT_EQ(ls("nvmet/discovery/referrals"), "");
}

TEST_F(TreeDiscovery, WhatAReferralRefuses) {
  ASSERT_EQ(mkdir("nvmet/discovery/referrals/far"), 0);
  const struct {
    const char* attribute;
    std::string value;
  } cases[] = {{"addr_trtype", "udp"},   {"addr_trtype", ""},
               {"addr_adrfam", "ipv5"},  {"addr_treq", "perhaps"},
               {"addr_portid", "65536"}, {"addr_traddr", std::string(257, 'a')},
               {"addr_traddr", "a b"},   {"addr_trsvcid", std::string(33, '1')},
               {"enable", "2"}};
  for (const auto& each : cases) {
    const std::string before = cat(far(each.attribute));
    EXPECT_EQ(echo(each.value, far(each.attribute)), EINVAL) << each.attribute << " " << each.value;
    EXPECT_EQ(cat(far(each.attribute)), before);
  }
  EXPECT_EQ(echo(std::string(256, 'a'), far("addr_traddr")), 0);
  EXPECT_EQ(echo(std::string(32, '1'), far("addr_trsvcid")), 0);
}

// What a document says and what the tree says is one thing.
TEST_F(TreeDiscovery, ReferralsOfADocumentAreInTheTree) {
  ASSERT_EQ(apply(R"({"version": 1, "nvmet": {"discovery": {"referrals": {
                       "far": {"addr_trtype": "rdma", "addr_traddr": "192.0.2.1", "addr_trsvcid": "4420"}}}}})"),
            0u);
  EXPECT_EQ(cat(far("addr_trtype")), "rdma");
  EXPECT_EQ(cat(far("enable")), "1");
  ASSERT_EQ(mkdir("nvmet/discovery/referrals/near"), 0);
  ASSERT_EQ(apply(R"({"version": 1})"), 0u);
  EXPECT_EQ(ls("nvmet/discovery/referrals"), "near") << "which no document named";
}

TEST_F(TreeDiscovery, TheServicesName) {
  EXPECT_EQ(cat("nvmet/discovery_nqn"), "nqn.2014-08.org.nvmexpress.discovery");
  ASSERT_EQ(mkdir(kOne), 0);
  EXPECT_EQ(echo("one", "nvmet/discovery_nqn"), EEXIST);
  EXPECT_THAT(said_, HasSubstr("a subsystem has this name"));
  EXPECT_EQ(echo(std::string(223, 'n'), "nvmet/discovery_nqn"), EINVAL);
  EXPECT_EQ(echo("", "nvmet/discovery_nqn"), EINVAL);
  ASSERT_EQ(echo("one2", "nvmet/discovery_nqn"), 0);
  EXPECT_EQ(cat("nvmet/discovery_nqn"), "one2");
  EXPECT_EQ(target_->discovery_nqn(), "one2");
  EXPECT_EQ(mkdir("nvmet/subsystems/one2"), EINVAL);
}

}  // namespace
}  // namespace weft::config
