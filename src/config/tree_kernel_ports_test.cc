#include <cerrno>

#include "config/test_model_tree.h"

namespace weft::config {
namespace {

const std::string kPorts = "kernel/nvmet/ports/";
constexpr const char* kPortOfOne = "nvmet/subsystems/one/ports/tcp:127.0.0.1:4420";

class TreeKernelPorts : public ModelTreeTest {
 protected:
  static std::string port(const std::string& rest) { return kPorts + "7/" + rest; }
  void make_port(const std::string& id, const std::string& service) {
    ASSERT_EQ(mkdir(kPorts + id), 0) << said_;
    const std::pair<const char*, std::string> values[] = {
        {"trtype", "tcp"}, {"adrfam", "ipv4"}, {"traddr", "127.0.0.1"}, {"trsvcid", service}};
    for (const auto& [name, value] : values)
      ASSERT_EQ(echo(value, kPorts + id + "/addr_" + name), 0) << said_;
  }
  int link(const std::string& id, const std::string& nqn) {
    return ln("/sys/kernel/config/nvmet/subsystems/" + nqn, kPorts + id + "/subsystems/" + nqn);
  }
  int unlink(const std::string& id, const std::string& nqn) { return rm(kPorts + id + "/subsystems/" + nqn); }
};

TEST_F(TreeKernelPorts, APortFromNothingAndBack) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir("nvmet/subsystems/two"), 0);
  make_port("7", "4420");
  EXPECT_EQ(ls(kPorts + "7"), "ana_groups referrals subsystems");
  EXPECT_EQ(ls(one("ports")), "");
  ASSERT_EQ(link("7", "one"), 0) << said_;
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4420"));
  EXPECT_EQ(cat(std::string(kPortOfOne) + "/enable"), "1");
  EXPECT_EQ(*tree_->read_link(port("subsystems/one")), "/sys/kernel/config/nvmet/subsystems/one");
  EXPECT_EQ(transport_->acceptors.at("4420")->options().id, PortId(7)) << "the PORTID of the discovery log";
  ASSERT_EQ(link("7", "two"), 0);
  EXPECT_EQ(ls(port("subsystems")), "one two");

  for (const char* attribute :
       {"addr_trtype", "addr_adrfam", "addr_traddr", "addr_trsvcid", "addr_treq", "addr_tsas",
        "param_inline_data_size", "param_max_queue_size", "param_mdts", "param_pi_enable"})
    EXPECT_EQ(echo(cat(port(attribute)), port(attribute)), EACCES) << attribute;
  EXPECT_EQ(rmdir(kPorts + "7"), ENOTEMPTY);
  EXPECT_EQ(rmdir("kernel/nvmet/subsystems/one"), EBUSY);
  EXPECT_EQ(link("7", "one"), EEXIST);
  EXPECT_EQ(unlink("7", "one"), 0);
  EXPECT_EQ(ls(port("subsystems")), "two");
  EXPECT_TRUE(eventually([&] { return ls(one("ports")).empty(); }));
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4420"));
  EXPECT_EQ(unlink("7", "two"), 0);
  EXPECT_TRUE(eventually([&] { return configuration_->listening().empty(); }));
  EXPECT_EQ(echo("4421", port("addr_trsvcid")), 0);
  EXPECT_EQ(rmdir(kPorts + "7"), 0);
  EXPECT_EQ(ls("kernel/nvmet/ports"), "");
  EXPECT_EQ(rmdir("kernel/nvmet/subsystems/one"), 0);
}

TEST_F(TreeKernelPorts, APortOfTheOtherLayoutKeepsItsGroupsWhenItIsChangedHere) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(kPortOfOne), 0);
  ASSERT_EQ(mkdir(std::string(kPortOfOne) + "/ana_groups/2"), 0);
  ASSERT_EQ(echo("1", std::string(kPortOfOne) + "/enable"), 0);
  const std::string groups = kPorts + ls("kernel/nvmet/ports") + "/ana_groups";
  EXPECT_EQ(ls(groups), "1 2");
  ASSERT_EQ(mkdir(groups + "/3"), 0) << said_;
  EXPECT_EQ(ls(groups), "1 2 3");
}

// A link that is asked for while the old one still closes waits for it, not for luck.
TEST_F(TreeKernelPorts, LinksOfAnAddressGoInOrder) {
  ASSERT_EQ(mkdir(kOne), 0);
  make_port("7", "4420");
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(link("7", "one"), 0) << said_;
    ASSERT_EQ(unlink("7", "one"), 0);
    ASSERT_EQ(rmdir(kPorts + "7"), 0) << said_;
    ASSERT_EQ(ls("kernel/nvmet/ports"), "");
    make_port("7", "4420");
  }
  ASSERT_EQ(link("7", "one"), 0);
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4420"));
}

TEST_F(TreeKernelPorts, PortsOfTheOtherLayout) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(kPortOfOne), 0);
  EXPECT_EQ(ls("kernel/nvmet/ports"), "1");
  EXPECT_EQ(ls(kPorts + "1/subsystems"), "") << "it is not enabled";
  EXPECT_EQ(cat(kPorts + "1/addr_traddr"), "127.0.0.1");
  EXPECT_EQ(cat(kPorts + "1/addr_adrfam"), "ipv4");
  EXPECT_EQ(cat(kPorts + "1/addr_trtype"), "tcp");
  ASSERT_EQ(echo("1", std::string(kPortOfOne) + "/enable"), 0);
  EXPECT_EQ(ls(kPorts + "1/subsystems"), "one");
  EXPECT_EQ(*tree_->read_link(kPorts + "1/subsystems/one"), "../../../subsystems/one");
  EXPECT_EQ(transport_->acceptors.at("4420")->options().id, PortId(1));
  EXPECT_EQ(mkdir(kPorts + "1"), EEXIST);
  EXPECT_EQ(echo("::1", kPorts + "1/addr_traddr"), EACCES);
  ASSERT_EQ(echo("0", std::string(kPortOfOne) + "/enable"), 0);
  EXPECT_EQ(ls(kPorts + "1/subsystems"), "");
  ASSERT_EQ(echo("1", std::string(kPortOfOne) + "/enable"), 0);
  // As nvmetcli clears: all links, then the port.
  ASSERT_EQ(unlink("1", "one"), 0);
  EXPECT_EQ(rmdir(kPorts + "1"), 0) << said_;
  EXPECT_TRUE(eventually([&] { return ls(one("ports")).empty(); }));
  ASSERT_EQ(mkdir(kPortOfOne), 0);
  EXPECT_EQ(ls("kernel/nvmet/ports"), "1") << "the id is the address' own";
  EXPECT_EQ(rmdir(kPorts + "1"), 0);
  EXPECT_EQ(ls(one("ports")), "");
  // Where the discovery service alone listens is no port of Linux.
  ASSERT_EQ(mkdir("nvmet/discovery/ports/tcp:127.0.0.1:8009"), 0);
  ASSERT_EQ(echo("1", "nvmet/discovery/ports/tcp:127.0.0.1:8009/enable"), 0);
  EXPECT_EQ(ls("kernel/nvmet/ports"), "");
  EXPECT_EQ(mkdir(kPorts + "2"), EEXIST) << said_;
  EXPECT_THAT(said_, HasSubstr("this is the id of tcp:127.0.0.1:8009"));
  ASSERT_EQ(mkdir("nvmet/subsystems/two"), 0);
  ASSERT_EQ(mkdir("nvmet/subsystems/two/ports/tcp:127.0.0.1:8009"), 0);
  EXPECT_EQ(ls("kernel/nvmet/ports"), "2");
}

TEST_F(TreeKernelPorts, WhatIsRefused) {
  ASSERT_EQ(mkdir(kOne), 0);
  for (const char* id : {"0", "01", "65536", "x"}) EXPECT_EQ(mkdir(kPorts + id), EINVAL) << id;
  make_port("7", "4420");
  const struct {
    const char* attribute;
    std::string value;
    int error;
  } cases[] = {{"addr_trtype", "ip", EINVAL},
               {"addr_adrfam", "ipv5", EINVAL},
               {"addr_traddr", std::string(257, 'a'), EINVAL},
               {"addr_trsvcid", std::string(33, '1'), EINVAL},
               {"addr_treq", "required", EOPNOTSUPP},
               {"addr_tsas", "tls1.3", EOPNOTSUPP},
               {"addr_tsas", "none", 0},
               {"param_pi_enable", "1", EOPNOTSUPP},
               {"param_inline_data_size", "17", EINVAL},
               {"param_inline_data_size", "-1", 0},
               {"param_max_queue_size", "15", EINVAL},
               {"param_max_queue_size", "1025", EINVAL},
               {"param_mdts", "256", EINVAL},
               {"param_mdts", "-1", 0},
               {"listen", "2", EINVAL}};
  for (const auto& each : cases)
    EXPECT_EQ(echo(each.value, port(each.attribute)), each.error) << each.attribute << " " << each.value;

  EXPECT_EQ(ln("/x/subsystems/none", port("subsystems/none")), ENOENT);
  EXPECT_EQ(ln("/x/subsystems/one", port("subsystems/two")), EINVAL);
  EXPECT_EQ(ln("/x/hosts/one", port("subsystems/one")), EINVAL);
  ASSERT_EQ(mkdir(kPorts + "8"), 0);
  EXPECT_EQ(link("8", "one"), EINVAL);
  EXPECT_THAT(cat(kPorts + "8/last_error"), HasSubstr("there is no addr_trtype"));
  EXPECT_EQ(echo("ipv6", port("addr_adrfam")), 0);
  EXPECT_EQ(link("7", "one"), EINVAL);
  EXPECT_THAT(said_, HasSubstr("does not fit addr_traddr"));
  EXPECT_EQ(echo("1", port("addr_trsvcid")), 0);
  EXPECT_EQ(echo("", port("addr_adrfam")), 0);
  EXPECT_EQ(link("7", "one"), EACCES) << "what listening fails with";
  EXPECT_THAT(cat(port("last_error")), HasSubstr("not permitted"));
  EXPECT_EQ(ls(port("subsystems")), "");
  EXPECT_EQ(ls(one("ports")), "");
}

TEST_F(TreeKernelPorts, AnAddressHasOneNumber) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir("nvmet/subsystems/two"), 0);
  make_port("7", "4420");
  make_port("8", "4420");
  ASSERT_EQ(link("7", "one"), 0);
  EXPECT_EQ(link("8", "two"), EADDRINUSE);
  EXPECT_THAT(said_, HasSubstr("kernel/nvmet/ports/7 has the address tcp:127.0.0.1:4420"));
  EXPECT_EQ(ls("nvmet/subsystems/two/ports"), "");
  // A number that was only remembered is free for whoever asks for it.
  ASSERT_EQ(unlink("7", "one"), 0);
  ASSERT_EQ(rmdir(kPorts + "7"), 0);
  ASSERT_EQ(link("8", "two"), 0) << said_;
  EXPECT_TRUE(eventually([&] { return transport_->acceptors.at("4420")->options().id == PortId(8); }));
  make_port("7", "4421");
  ASSERT_EQ(link("7", "one"), 0) << said_;
  EXPECT_EQ(ls("kernel/nvmet/ports"), "7 8");
  // One that listens keeps its own.
  ASSERT_EQ(mkdir(one("ports/tcp:127.0.0.1:4422")), 0);
  ASSERT_EQ(echo("1", one("ports/tcp:127.0.0.1:4422/enable")), 0);
  make_port("9", "4422");
  EXPECT_EQ(link("9", "two"), EADDRINUSE);
  EXPECT_THAT(said_, HasSubstr("tcp:127.0.0.1:4422 listens already, as port 1"));
}

// A number that somebody has taken is not hidden behind that of an address that comes back.
TEST_F(TreeKernelPorts, AnAddressThatComesBackTakesNobodysNumber) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(kPortOfOne), 0);
  EXPECT_EQ(ls("kernel/nvmet/ports"), "1");
  ASSERT_EQ(rmdir(kPortOfOne), 0);
  make_port("1", "4421");
  ASSERT_EQ(mkdir(kPortOfOne), 0);
  ASSERT_EQ(echo("1", std::string(kPortOfOne) + "/enable"), 0);
  EXPECT_EQ(ls("kernel/nvmet/ports"), "1 2");
  EXPECT_EQ(ls(kPorts + "2/subsystems"), "one");
  EXPECT_EQ(ls(kPorts + "1/subsystems"), "");
  // Likewise of an address that the port itself had.
  ASSERT_EQ(link("1", "one"), 0) << said_;
  ASSERT_EQ(unlink("1", "one"), 0);
  ASSERT_EQ(echo("4422", kPorts + "1/addr_trsvcid"), 0);
  ASSERT_TRUE(eventually([&] { return ls(one("ports")) == "tcp:127.0.0.1:4420"; }));
  ASSERT_EQ(mkdir(one("ports/tcp:127.0.0.1:4421")), 0);
  EXPECT_EQ(ls("kernel/nvmet/ports"), "1 2 3");
}

TEST_F(TreeKernelPorts, SizesAreThoseOfItsSubsystems) {
  ASSERT_EQ(mkdir(kOne), 0);
  make_port("7", "4420");
  EXPECT_EQ(cat(port("param_inline_data_size")), "-1");
  EXPECT_EQ(cat(port("param_mdts")), "0");
  ASSERT_EQ(echo("8192", port("param_inline_data_size")), 0);
  ASSERT_EQ(echo("64", port("param_max_queue_size")), 0);
  ASSERT_EQ(echo("5", port("param_mdts")), 0);
  ASSERT_EQ(link("7", "one"), 0);
  EXPECT_EQ(cat(one("param_inline_data_size")), "8192");
  EXPECT_EQ(cat(one("param_max_queue_size")), "64");
  EXPECT_EQ(cat(one("param_mdts")), "5");
  EXPECT_EQ(cat(port("param_max_queue_size")), "64");
  make_port("8", "4421");
  ASSERT_EQ(echo("6", kPorts + "8/param_mdts"), 0);
  EXPECT_EQ(link("8", "one"), EBUSY);
  EXPECT_THAT(said_, HasSubstr("port 7 links one with \"5\""));
  ASSERT_EQ(echo("-1", kPorts + "8/param_mdts"), 0);
  EXPECT_EQ(link("8", "one"), 0);
  EXPECT_EQ(cat(one("param_mdts")), "5");
}

TEST_F(TreeKernelPorts, TransportsThatAreNotHere) {
  ASSERT_EQ(mkdir(kOne), 0);
  const struct {
    const char* trtype;
    const char* traddr;
    const char* trsvcid;
    const char* name;
  } cases[] = {{"rdma", "192.0.2.1", "4420", "rdma:192.0.2.1:4420"},
               {"fc", "nn-0x1000000044001123:pn-0x2000000055001123", "none",
                "fc:[nn-0x1000000044001123:pn-0x2000000055001123]:none"},
               {"loop", "", "", "loop"},
               {"pci", "vm", "", "pcie:vm"}};
  for (const auto& each : cases) {
    ASSERT_EQ(mkdir(kPorts + "7"), 0);
    ASSERT_EQ(echo(each.trtype, port("addr_trtype")), 0);
    ASSERT_EQ(echo(each.traddr, port("addr_traddr")), 0);
    ASSERT_EQ(echo(each.trsvcid, port("addr_trsvcid")), 0);
    EXPECT_EQ(link("7", "one"), EOPNOTSUPP) << each.trtype << said_;
    EXPECT_EQ(ls(port("subsystems")), "");
    EXPECT_EQ(ls(one("ports")), "");
    // Kept for another machine.
    ASSERT_EQ(echo("0", port("listen")), 0);
    EXPECT_EQ(link("7", "one"), 0) << said_;
    EXPECT_EQ(ls(port("subsystems")), "one");
    EXPECT_EQ(ls(one("ports")), each.name);
    EXPECT_EQ(rmdir("kernel/nvmet/subsystems/one"), EBUSY);
    EXPECT_EQ(echo("1", port("listen")), EOPNOTSUPP);
    EXPECT_THAT(cat(port("last_error")), HasSubstr("there is no transport"));
    EXPECT_EQ(cat(port("listen")), "0");
    EXPECT_EQ(ls(port("subsystems")), "one");
    EXPECT_EQ(unlink("7", "one"), 0);
    EXPECT_EQ(rmdir(kPorts + "7"), 0);
    EXPECT_TRUE(eventually([&] { return ls(one("ports")).empty(); }));
  }
}

TEST_F(TreeKernelPorts, APortCanWaitForAllItsLinks) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir("nvmet/subsystems/two"), 0);
  make_port("7", "4420");
  ASSERT_EQ(echo("0", port("listen")), 0);
  ASSERT_EQ(link("7", "one"), 0);
  ASSERT_EQ(link("7", "two"), 0);
  EXPECT_THAT(configuration_->listening(), IsEmpty());
  EXPECT_EQ(echo("ipv4", port("addr_adrfam")), EACCES);
  ASSERT_EQ(echo("1", port("listen")), 0) << said_;
  EXPECT_EQ(transport_->offered_first, 2u) << "a host that comes at once finds both";
  EXPECT_EQ(ls(port("subsystems")), "one two");
  ASSERT_EQ(echo("0", port("listen")), 0);
  EXPECT_THAT(configuration_->listening(), IsEmpty());
  EXPECT_EQ(ls(port("subsystems")), "one two");
  // What the other layout takes away is gone here as well.
  ASSERT_EQ(rmdir("nvmet/subsystems/two/ports/tcp:127.0.0.1:4420"), 0);
  ASSERT_EQ(rmdir("nvmet/subsystems/two"), 0);
  EXPECT_EQ(ls(port("subsystems")), "one");
  ASSERT_EQ(echo("1", port("listen")), 0);
  EXPECT_EQ(transport_->offered_first, 1u);
}

TEST_F(TreeKernelPorts, AnaGroupsAreThoseOfItsSubsystems) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir("nvmet/subsystems/two"), 0);
  make_port("7", "4420");
  EXPECT_EQ(ls(port("ana_groups")), "1");
  EXPECT_EQ(cat(port("ana_groups/1/ana_state")), "optimized");
  ASSERT_EQ(mkdir(port("ana_groups/2")), 0);
  EXPECT_EQ(mkdir(port("ana_groups/2")), EEXIST);
  for (const char* group : {"0", "129", "02"}) EXPECT_EQ(mkdir(port("ana_groups/") + group), EINVAL) << group;
  EXPECT_EQ(cat(port("ana_groups/2/ana_state")), "inaccessible");
  ASSERT_EQ(echo("change", port("ana_groups/2/ana_state")), 0);
  EXPECT_EQ(echo("best", port("ana_groups/2/ana_state")), EINVAL);
  ASSERT_EQ(link("7", "one"), 0);
  ASSERT_EQ(link("7", "two"), 0);
  const std::string of_one = std::string(kPortOfOne) + "/ana_groups/";
  EXPECT_EQ(ls(of_one.substr(0, of_one.size() - 1)), "1 2");
  EXPECT_EQ(cat(of_one + "2/ana_state"), "change");
  ASSERT_EQ(echo("non-optimized", port("ana_groups/1/ana_state")), 0);
  EXPECT_EQ(cat(of_one + "1/ana_state"), "non-optimized");
  EXPECT_EQ(snapshot("two")->ana_of(PortId(7)).of(AnaGroupId(1)), wire::AnaState::non_optimized);
  // One that differs.
  ASSERT_EQ(echo("optimized", of_one + "1/ana_state"), 0);
  EXPECT_EQ(cat(port("ana_groups/1/ana_state")), "");
  ASSERT_EQ(echo("optimized", port("ana_groups/1/ana_state")), 0);
  EXPECT_EQ(cat(port("ana_groups/1/ana_state")), "optimized");
  ASSERT_EQ(mkdir(port("ana_groups/3")), 0);
  EXPECT_EQ(cat(of_one + "3/ana_state"), "inaccessible");
  EXPECT_EQ(rmdir(port("ana_groups/1")), EPERM);
  EXPECT_EQ(rmdir(port("ana_groups/2")), 0);
  EXPECT_EQ(ls(of_one.substr(0, of_one.size() - 1)), "1 3");
}

TEST_F(TreeKernelPorts, ReferralsAreOneSet) {
  ASSERT_EQ(mkdir(kPorts + "7"), 0);
  ASSERT_EQ(mkdir(port("referrals/far")), 0);
  ASSERT_EQ(echo("loop", "nvmet/discovery/referrals/far/addr_trtype"), 0);
  EXPECT_EQ(cat(port("referrals/far/addr_trtype")), "loop");
  ASSERT_EQ(echo("1", port("referrals/far/enable")), 0);
  EXPECT_EQ(echo("tcp", port("referrals/far/addr_trtype")), EACCES);
  EXPECT_EQ(target_->referrals().size(), 1u);
  EXPECT_EQ(rmdir(kPorts + "7"), 0) << "they are not the port's own";
  EXPECT_EQ(ls("nvmet/discovery/referrals"), "far");
}

}  // namespace
}  // namespace weft::config
