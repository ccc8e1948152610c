#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/device_path.h"
#include "config/subtree.h"
#include "config/test_model_tree.h"

namespace weft::config {
namespace {

constexpr const char* kKernelOne = "kernel/nvmet/subsystems/one";

class TreeKernel : public ModelTreeTest {
 protected:
  TreeKernel() {
    std::string pattern = testing::TempDir() + "weft-kernel-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~TreeKernel() override {
    stop();
    std::filesystem::remove_all(folder_);
  }

  static std::string kernel(const std::string& rest) { return std::string(kKernelOne) + "/" + rest; }
  std::string make_file(const std::string& name) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << "data";
    return path;
  }
  // An enabled namespace over a file.
  std::string enable(const std::string& nsid, const std::string& file) {
    EXPECT_EQ(mkdir(kernel("namespaces/" + nsid)), 0) << said_;
    const std::string path = make_file(file);
    EXPECT_EQ(echo(path, kernel("namespaces/" + nsid + "/device_path")), 0) << said_;
    EXPECT_EQ(echo("1", kernel("namespaces/" + nsid + "/enable")), 0) << said_;
    return path;
  }
  static std::string own(std::uint32_t nsid, const std::string& path) {
    return own_device_name("one", Nsid(nsid), path);
  }

  std::string folder_;
};

TEST_F(TreeKernel, StandsAlone) {
  Subtree alone(*tree_, "kernel/nvmet");
  EXPECT_EQ(change([&](Answer answer) { alone.make_directory("hosts/h", std::move(answer)); }), 0);
  EXPECT_EQ(change([&](Answer answer) { alone.make_directory("subsystems/one", std::move(answer)); }), 0);
  EXPECT_EQ(change([&](Answer answer) {
              alone.make_link("subsystems/one/allowed_hosts/h", "/mnt/hosts/h", std::move(answer));
            }),
            0);
  EXPECT_EQ(*alone.read_link("subsystems/one/allowed_hosts/h"), "/mnt/hosts/h");
  EXPECT_EQ(
      change([&](Answer answer) { alone.write("subsystems/one/attr_qid_max", "3", std::move(answer)); }), 0);
  EXPECT_EQ(*alone.read("subsystems/one/attr_qid_max"), "3");
  EXPECT_EQ(alone.info("")->kind, NodeKind::directory);
  EXPECT_EQ(alone.info("nvmet").error().code, ENOENT);
  std::string names;
  const auto entries = *alone.list("");
  for (const auto& entry : entries) names += entry.name + " ";
  EXPECT_EQ(names, "discovery_nqn hosts last_error ports subsystems ");
  EXPECT_EQ(
      change([&](Answer answer) { alone.remove_link("subsystems/one/allowed_hosts/h", std::move(answer)); }),
      0);
  EXPECT_EQ(change([&](Answer answer) { alone.remove_directory("subsystems/one", std::move(answer)); }), 0);
  EXPECT_EQ(ls("nvmet/subsystems"), "");
}

TEST_F(TreeKernel, HostsAndWhoListsThem) {
  EXPECT_EQ(mkdir("kernel/nvmet/hosts/h"), 0);
  EXPECT_EQ(mkdir("kernel/nvmet/hosts/h"), EEXIST);
  EXPECT_EQ(mkdir("kernel/nvmet/hosts/" + std::string(224, 'h')), EINVAL);
  ASSERT_EQ(mkdir(kKernelOne), 0);
  ASSERT_EQ(mkdir(one("hosts/listed")), 0);
  EXPECT_EQ(ls("kernel/nvmet/hosts"), "h listed");
  EXPECT_EQ(mkdir("kernel/nvmet/hosts/listed"), EEXIST);
  EXPECT_EQ(rmdir("kernel/nvmet/hosts/listed"), EBUSY);
  EXPECT_THAT(cat("kernel/nvmet/last_error"), HasSubstr("1 subsystems list this host"));
  ASSERT_EQ(rmdir(one("hosts/listed")), 0);
  EXPECT_EQ(ls("kernel/nvmet/hosts"), "h") << "nobody made it";
  EXPECT_EQ(cat("kernel/nvmet/hosts/h/dhchap_hash"), "hmac(sha256)");
  EXPECT_EQ(echo("DHHC-1:00:x:", "kernel/nvmet/hosts/h/dhchap_key"), EOPNOTSUPP);
  EXPECT_EQ(echo("", "kernel/nvmet/hosts/h/dhchap_key"), 0);
  EXPECT_EQ(echo("null", "kernel/nvmet/hosts/h/dhchap_dhgroup"), 0);
  EXPECT_EQ(rmdir("kernel/nvmet/hosts/h"), 0);
  EXPECT_EQ(rmdir("kernel/nvmet/hosts/h"), ENOENT);
}

TEST_F(TreeKernel, HostsOfSubsystemsThatAreGoneAreGone) {
  ASSERT_EQ(apply(R"({"version": 1, "nvmet": {"subsystems": {"a": {"hosts": {"h": {}, "g": {}}},
                                                              "b": {"hosts": {"h": {}}}}}})"),
            0u);
  EXPECT_EQ(ls("kernel/nvmet/hosts"), "g h");
  ASSERT_EQ(apply(R"({"version": 1, "nvmet": {"subsystems": {"a": {"hosts": {"h": {}}}}}})"), 0u);
  EXPECT_EQ(ls("kernel/nvmet/hosts"), "h");
  ASSERT_EQ(apply(R"({"version": 1})"), 0u);
  EXPECT_EQ(ls("kernel/nvmet/hosts"), "");
}

TEST_F(TreeKernel, AllowedHostsAreLinks) {
  ASSERT_EQ(mkdir("kernel/nvmet/hosts/h"), 0);
  ASSERT_EQ(mkdir("kernel/nvmet/hosts/i"), 0);
  ASSERT_EQ(mkdir(kKernelOne), 0);
  EXPECT_EQ(ln("/sys/kernel/config/nvmet/hosts/h", kernel("allowed_hosts/h")), 0) << said_;
  EXPECT_EQ(ln("../../../hosts/i/", kernel("allowed_hosts/i")), 0) << said_;
  EXPECT_EQ(*tree_->read_link(kernel("allowed_hosts/h")), "/sys/kernel/config/nvmet/hosts/h");
  EXPECT_EQ(*tree_->read_link(kernel("allowed_hosts/i")), "../../../hosts/i/");
  EXPECT_EQ(ls(one("hosts")), "h i");
  EXPECT_EQ(ln("/x/hosts/h", kernel("allowed_hosts/h")), EEXIST);
  EXPECT_EQ(ln("/x/hosts/none", kernel("allowed_hosts/none")), ENOENT);
  EXPECT_EQ(ln("/x/hosts/h", kernel("allowed_hosts/other")), EINVAL);
  EXPECT_EQ(ln("/x/subsystems/h", kernel("allowed_hosts/g")), EINVAL);
  EXPECT_EQ(rmdir("kernel/nvmet/hosts/h"), EBUSY);
  EXPECT_EQ(rmdir(kKernelOne), ENOTEMPTY);
  // Either a list or everybody.
  EXPECT_EQ(echo("1", kernel("attr_allow_any_host")), EINVAL);
  EXPECT_EQ(rm(kernel("allowed_hosts/h")), 0);
  EXPECT_EQ(rmdir(one("hosts/i")), 0);
  EXPECT_EQ(ls(kernel("allowed_hosts")), "");
  EXPECT_EQ(echo("1", kernel("attr_allow_any_host")), 0);
  EXPECT_EQ(ln("/x/hosts/h", kernel("allowed_hosts/h")), EINVAL);
  EXPECT_THAT(cat(kernel("last_error")), HasSubstr("while any host is allowed"));
  ASSERT_EQ(echo("0", kernel("attr_allow_any_host")), 0);
  // What the other layout lists shows where it is.
  ASSERT_EQ(mkdir(one("hosts/h")), 0);
  EXPECT_EQ(*tree_->read_link(kernel("allowed_hosts/h")), "../../../hosts/h");
}

TEST_F(TreeKernel, SubsystemsAreTheSame) {
  ASSERT_EQ(mkdir(kKernelOne), 0);
  EXPECT_EQ(mkdir("kernel/nvmet/subsystems/nqn.2014-08.org.nvmexpress.discovery"), EINVAL);
  EXPECT_EQ(ls("nvmet/subsystems"), "one");
  EXPECT_EQ(ls(kKernelOne), "allowed_hosts namespaces passthru");
  ASSERT_EQ(mkdir("nvmet/subsystems/two"), 0);
  EXPECT_EQ(ls("kernel/nvmet/subsystems"), "one two");
  EXPECT_EQ(cat(kernel("attr_version")), "2.1");
  EXPECT_EQ(echo("1.3", kernel("attr_version")), 0) << said_;
  EXPECT_EQ(cat(one("attr_version")), "1.3");
  EXPECT_EQ(echo("12", one("attr_qid_max")), 0);
  EXPECT_EQ(cat(kernel("attr_qid_max")), "12");
  EXPECT_EQ(echo("1", kernel("attr_pi_enable")), EOPNOTSUPP);
  EXPECT_EQ(cat(kernel("param_mdts")), "error " + std::to_string(ENOENT)) << "sizes belong to ports";
  EXPECT_EQ(echo("/dev/nvme0", kernel("passthru/device_path")), EOPNOTSUPP);
  EXPECT_EQ(echo("1", kernel("passthru/enable")), EOPNOTSUPP);
  EXPECT_EQ(echo("0", kernel("passthru/enable")), 0);
  EXPECT_EQ(echo("nqn.own", "kernel/nvmet/discovery_nqn"), 0);
  EXPECT_EQ(cat("nvmet/discovery_nqn"), "nqn.own");
  EXPECT_EQ(rmdir("kernel/nvmet/subsystems/two"), 0);
  EXPECT_EQ(rmdir(kKernelOne), 0);
  EXPECT_EQ(ls("nvmet/subsystems"), "");
}

// A host that was told one serial number takes another for another disk.
TEST_F(TreeKernel, WhatAHostHasIdentifiedStays) {
  ASSERT_EQ(mkdir(kKernelOne), 0);
  ASSERT_EQ(echo("S1", kernel("attr_serial")), 0);
  target_->find_subsystem("one")->set_identified();
  for (const char* attribute :
       {"attr_serial", "attr_model", "attr_firmware", "attr_ieee_oui", "attr_version"})
    for (const auto& path : {kernel(attribute), one(attribute)})
      EXPECT_EQ(echo(cat(path), path), EINVAL) << path;
  for (const char* attribute : {"attr_cntlid_min", "attr_cntlid_max", "attr_vendor_id",
                                "attr_subsys_vendor_id", "attr_qid_max", "attr_allow_any_host"})
    EXPECT_EQ(echo(cat(kernel(attribute)), kernel(attribute)), 0) << attribute;
}

TEST_F(TreeKernel, ANamespaceFromNothingAndBack) {
  ASSERT_EQ(mkdir(kKernelOne), 0);
  for (const char* name : {"0", "ns_1", "01", "4294967295"})
    EXPECT_EQ(mkdir(kernel("namespaces/") + name), EINVAL) << name;
  ASSERT_EQ(mkdir(kernel("namespaces/1")), 0);
  ASSERT_EQ(mkdir(kernel("namespaces/4294967294")), 0);
  EXPECT_NE(cat(kernel("namespaces/1/device_uuid")), cat(kernel("namespaces/4294967294/device_uuid")));
  EXPECT_EQ(cat(kernel("namespaces/1/device_nguid")), "00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(cat(kernel("namespaces/1/device_path")), "");
  EXPECT_EQ(cat(kernel("namespaces/1/enable")), "0");
  EXPECT_EQ(echo("1", kernel("namespaces/1/enable")), EINVAL);
  EXPECT_EQ(echo("1", kernel("namespaces/1/revalidate_size")), EINVAL);
  EXPECT_EQ(echo("disk", kernel("namespaces/1/device_path")), EINVAL);
  ASSERT_EQ(rmdir(kernel("namespaces/1")), 0);

  const std::string path = enable("1", "disk.img");
  const std::string disk = "disk_0/" + own(1, path);
  const std::string uuid = cat(kernel("namespaces/1/device_uuid"));
  EXPECT_EQ(cat(kernel("namespaces/1/enable")), "1");
  EXPECT_EQ(cat(kernel("namespaces/1/device_path")), path);
  ASSERT_NE(find_namespace("one", 1), nullptr);
  EXPECT_EQ(uuid_text(find_namespace("one", 1)->uuid), uuid);
  EXPECT_EQ(find_namespace("one", 1)->nguid, target::Nguid{});
  EXPECT_EQ(ls("target/core/disk_0"), own(1, path));
  EXPECT_EQ(cat("target/core/" + disk + "/alias"), "nvmet/subsystems/one/namespaces/1");
  EXPECT_EQ(ls(one("namespaces/1")), own(1, path));
  EXPECT_EQ(*tree_->read_link(one("namespaces/1/") + own(1, path)), "../../../../../target/core/" + disk);

  const struct {
    const char* attribute;
    std::string value;
    int error;
  } while_enabled[] = {
      {"device_path", path, EBUSY},     {"device_uuid", uuid, EBUSY}, {"device_nguid", uuid, EBUSY},
      {"buffered_io", "0", EINVAL},     {"resv_enable", "0", EINVAL}, {"revalidate_size", "1", 0},
      {"revalidate_size", "0", EINVAL}, {"enable", "1", 0},           {"enable", "2", EINVAL}};
  for (const auto& each : while_enabled)
    EXPECT_EQ(echo(each.value, kernel("namespaces/1/") + each.attribute), each.error) << each.attribute;

  EXPECT_EQ(echo("0", kernel("namespaces/1/enable")), 0);
  EXPECT_EQ(find_namespace("one", 1), nullptr);
  EXPECT_EQ(ls("target/core/disk_0"), "") << "the backend goes with the namespace";
  EXPECT_THAT(journal_.take(), Contains("closed " + disk)) << "before it answers";
  EXPECT_EQ(cat(kernel("namespaces/1/device_path")), path);
  EXPECT_EQ(echo("0", kernel("namespaces/1/enable")), 0);
  EXPECT_EQ(echo("1", kernel("namespaces/1/enable")), 0) << said_;
  EXPECT_EQ(uuid_text(find_namespace("one", 1)->uuid), uuid);
  EXPECT_EQ(rmdir(kKernelOne), ENOTEMPTY);
  EXPECT_EQ(rmdir(kernel("namespaces/1")), 0);
  EXPECT_EQ(find_namespace("one", 1), nullptr);
  EXPECT_EQ(ls("target/core/disk_0"), "");
  EXPECT_EQ(rmdir(kernel("namespaces/4294967294")), 0);
  EXPECT_EQ(rmdir(kKernelOne), 0);
}

TEST_F(TreeKernel, WhatEnableFailsWith) {
  ASSERT_EQ(mkdir(kKernelOne), 0);
  ASSERT_EQ(mkdir(kernel("namespaces/1")), 0);
  const struct {
    std::string path;
    int error;
  } cases[] = {{folder_ + "/none", ENOENT},
               {folder_, ENOTBLK},
               {make_file("x.fail"), EROFS},
               {"core/disk_0/none", ENOENT}};
  for (const auto& each : cases) {
    ASSERT_EQ(echo(each.path, kernel("namespaces/1/device_path")), 0);
    EXPECT_EQ(echo("1", kernel("namespaces/1/enable")), each.error) << each.path;
    EXPECT_EQ(cat(kernel("namespaces/1/last_error")), said_);
    EXPECT_EQ(cat(kernel("namespaces/1/enable")), "0");
    EXPECT_TRUE(ls("target/core/disk_0").empty() || ls("target/core/disk_0").starts_with("error"));
  }
  // Another try with another path.
  ASSERT_EQ(echo(make_file("good"), kernel("namespaces/1/device_path")), 0);
  ASSERT_EQ(echo("1", kernel("namespaces/1/buffered_io")), 0);
  EXPECT_EQ(echo("1", kernel("namespaces/1/enable")), 0) << said_;
  EXPECT_EQ(cat(kernel("namespaces/1/buffered_io")), "1");
  const auto device = configuration_->model().find_device("disk_0/" + own(1, folder_ + "/good"));
  ASSERT_NE(device, nullptr);
  EXPECT_EQ(device->entry().control.at("buffered"), "1");
}

TEST_F(TreeKernel, NamespacesOfTheOtherLayout) {
  make_disk();
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(one("namespaces/ns_7")), 0);
  EXPECT_EQ(ls(kernel("namespaces")), "7");
  EXPECT_EQ(cat(kernel("namespaces/7/device_uuid")), "00000000-0000-0000-0000-000000000000");
  ASSERT_EQ(ln("/x/target/core/disk_0/a", one("namespaces/ns_7/a")), 0);
  EXPECT_EQ(cat(kernel("namespaces/7/device_path")), "core/disk_0/a");
  EXPECT_EQ(cat(kernel("namespaces/7/enable")), "1");
  EXPECT_EQ(cat(kernel("namespaces/7/device_uuid")), cat(one("namespaces/ns_7/device_uuid")));
  // The string is accepted back, and the backend stays when the namespace leaves it.
  EXPECT_EQ(echo("0", kernel("namespaces/7/enable")), 0);
  EXPECT_EQ(ls(one("namespaces/ns_7")), "");
  EXPECT_EQ(cat(kernel("namespaces/7/device_path")), "core/disk_0/a");
  EXPECT_EQ(echo("core/disk_0/a", kernel("namespaces/7/device_path")), 0);
  EXPECT_EQ(echo("1", kernel("namespaces/7/enable")), 0) << said_;
  EXPECT_EQ(*tree_->read_link(one("namespaces/ns_7/a")), "../../../../../target/core/disk_0/a");
  EXPECT_EQ(rmdir(kernel("namespaces/7")), 0);
  EXPECT_EQ(ls("target/core/disk_0"), "a");

  // The link of what goes with a namespace may be removed here too.
  const std::string path = enable("1", "disk.img");
  EXPECT_EQ(rm(one("namespaces/1/") + own(1, path)), 0) << said_;
  EXPECT_EQ(cat(kernel("namespaces/1/enable")), "0");
  EXPECT_EQ(ls("target/core/disk_0"), "a");
  // It stays as long as somebody else shows it.
  EXPECT_EQ(echo("1", kernel("namespaces/1/enable")), 0) << said_;
  ASSERT_EQ(mkdir(one("namespaces/2")), 0);
  ASSERT_EQ(ln("/x/target/core/disk_0/" + own(1, path), one("namespaces/2/1")), 0) << said_;
  EXPECT_EQ(echo("0", kernel("namespaces/1/enable")), 0);
  EXPECT_EQ(cat(kernel("namespaces/2/device_path")), "core/disk_0/" + own(1, path));
  EXPECT_EQ(echo("1", kernel("namespaces/1/enable")), EBUSY);
}

TEST_F(TreeKernel, AnOpenThatHangsDelaysNobody) {
  ASSERT_EQ(mkdir(kKernelOne), 0);
  ASSERT_EQ(mkdir(kernel("namespaces/1")), 0);
  const std::string path = make_file("x.gate");
  ASSERT_EQ(echo(path, kernel("namespaces/1/device_path")), 0);
  std::promise<int> opened;
  auto future = opened.get_future();
  tree_->write(kernel("namespaces/1/enable"), "1",
               [&opened](const Result<>& result) { opened.set_value(result ? 0 : result.error().code); });
  ASSERT_TRUE(gate_->wait_for_waiting(1));
  EXPECT_EQ(cat(kernel("namespaces/1/enable")), "0");
  EXPECT_EQ(echo("1", kernel("namespaces/1/enable")), EBUSY);
  EXPECT_EQ(rmdir(kernel("namespaces/1")), 0);
  EXPECT_EQ(ls("target/core/disk_0"), "");
  enable("1", "good");
  gate_->open();
  EXPECT_EQ(future.get(), ECANCELED);
  EXPECT_EQ(cat(kernel("namespaces/1/device_path")), folder_ + "/good");
  EXPECT_EQ(cat(kernel("namespaces/1/enable")), "1");
}

}  // namespace
}  // namespace weft::config
