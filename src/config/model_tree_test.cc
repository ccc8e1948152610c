#include <gtest/gtest.h>

#include <future>

#include "config/test_model_tree.h"
#include "fabric/fake_host.h"

namespace weft::config {
namespace {

TEST_F(ModelTreeTest, ATenantFromNothingAndBack) {
  make_disk();
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(one("hosts/h")), 0);
  ASSERT_EQ(mkdir(one("namespaces/ns_1")), 0);
  ASSERT_EQ(ln("/somewhere/target/core/disk_0/a", one("namespaces/ns_1/1")), 0) << said_;
  ASSERT_EQ(mkdir(one("ports/tcp:127.0.0.1:4420")), 0);
  EXPECT_THAT(configuration_->listening(), IsEmpty());
  ASSERT_EQ(echo("1", one("ports/tcp:127.0.0.1:4420/enable")), 0) << said_;

  EXPECT_EQ(ls(kOne), "controllers hosts namespaces ports");
  EXPECT_EQ(ls(one("hosts")), "h");
  EXPECT_EQ(ls(one("namespaces/ns_1")), "1");
  EXPECT_EQ(*tree_->read_link(one("namespaces/ns_1/1")), "/somewhere/target/core/disk_0/a");
  EXPECT_THAT(target_->find_subsystem("one")->hosts(), ElementsAre("h"));
  ASSERT_NE(find_namespace("one", 1), nullptr);
  EXPECT_EQ(cat(one("namespaces/ns_1/device_uuid")), uuid_text(find_namespace("one", 1)->uuid));
  EXPECT_EQ(cat(one("namespaces/ns_1/size")), "51200");
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4420"));
  EXPECT_EQ(transport_->acceptors.at("4420")->find("one"), target_->find_subsystem("one"));

  EXPECT_EQ(rmdir(kDisk), EBUSY);
  EXPECT_THAT(said_, HasSubstr("nvmet/subsystems/one/namespaces/1 shows it to hosts"));
  EXPECT_EQ(cat(std::string(kDisk) + "/last_error"), "");
  EXPECT_EQ(cat("last_error"), said_);
  EXPECT_EQ(rmdir(one("namespaces/ns_1")), ENOTEMPTY);
  EXPECT_EQ(rmdir(kOne), ENOTEMPTY);
  EXPECT_EQ(rm(one("namespaces/ns_1/1")), 0);
  EXPECT_EQ(find_namespace("one", 1), nullptr);
  EXPECT_EQ(rmdir(one("namespaces/ns_1")), 0);
  EXPECT_EQ(rmdir(one("ports/tcp:127.0.0.1:4420")), 0);
  EXPECT_THAT(configuration_->listening(), IsEmpty());
  EXPECT_EQ(rmdir(one("hosts/h")), 0);
  EXPECT_EQ(rmdir(kOne), 0) << said_;
  EXPECT_EQ(target_->find_subsystem("one"), nullptr);
  EXPECT_EQ(rmdir("target/core/disk_0"), ENOTEMPTY);
  EXPECT_EQ(rmdir(kDisk), 0);
  EXPECT_EQ(rmdir("target/core/disk_0"), 0);
  EXPECT_EQ(ls("target/core"), "");
}

TEST_F(ModelTreeTest, ReactorsAreResizedWithinThoseThatThereAre) {
  const std::string all = cat("reactors");
  EXPECT_EQ(all, std::to_string(target_->loops().all().size()));
  EXPECT_EQ(echo("1", "reactors"), 0) << said_;
  EXPECT_EQ(cat("reactors"), "1");
  EXPECT_EQ(target_->loops().in_use(), 1u);
  for (const char* wrong : {"0", "-1", "1025", "", "many"}) {
    EXPECT_EQ(echo(wrong, "reactors"), EINVAL) << wrong;
    EXPECT_THAT(said_, HasSubstr("must be 1 to " + all));
    EXPECT_THAT(said_, HasSubstr("--most-reactors"));
  }
  EXPECT_EQ(cat("reactors"), "1");
  EXPECT_EQ(echo(all, "reactors"), 0) << said_;
}

TEST_F(ModelTreeTest, WhatIsRefusedSaysWhy) {
  make_disk();
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(one("namespaces/7")), 0);
  for (const char* port : {"tcp:127.0.0.1:1", "rdma:127.0.0.1:5", "loop", "pcie:vm"})
    ASSERT_EQ(mkdir(one("ports/") + port), 0) << said_;
  const std::string ns = one("namespaces/7");
  const std::string tcp = one("ports/tcp:127.0.0.1:1/ana_groups/");
  const struct {
    int error;
    std::function<int()> call;
    std::string says;
  } cases[] = {
      {EEXIST, [&] { return mkdir(kOne); }, "there is one already"},
      {EINVAL, [&] { return mkdir("nvmet/subsystems/nqn.2014-08.org.nvmexpress.discovery"); }, "discovery"},
      {ENOENT, [&] { return mkdir("nvmet/subsystems/none/hosts/h"); }, "no such file"},
      {EPERM, [&] { return mkdir("nvmet/x"); }, "no directory can be made"},
      {EINVAL, [&] { return mkdir("target/core/none_0"); }, "no such plugin; known: disk, ram"},
      {EINVAL, [&] { return mkdir("target/core/disk"); }, "PLUGIN_N"},
      {EOPNOTSUPP, [&] { return mkdir("target/core/pscsi_0"); }, "not backends"},
      {EOPNOTSUPP, [&] { return mkdir("target/core/user_0"); }, "not backends"},
      {ENOENT, [&] { return mkdir("target/core/disk_1/a"); }, "no such file"},
      {EINVAL, [&] { return mkdir(one("namespaces/ns_0")); }, "N or ns_N"},
      {EINVAL, [&] { return mkdir(one("namespaces/01")); }, "N or ns_N"},
      {EEXIST, [&] { return mkdir(one("namespaces/ns_7")); }, "there is one already"},
      {EINVAL, [&] { return mkdir(one("ports/tcp:[0:0::1]:5")); }, "must be written tcp:[::1]:5"},
      {EINVAL, [&] { return mkdir(one("ports/ib:127.0.0.1:5")); }, "no transport \"ib\"; known: tcp"},
      {EOPNOTSUPP, [&] { return echo("1", one("ports/rdma:127.0.0.1:5/enable")); }, "no transport \"rdma\""},
      {EOPNOTSUPP, [&] { return echo("1", one("ports/loop/enable")); }, "no transport \"loop\""},
      {EOPNOTSUPP, [&] { return echo("1", one("ports/pcie:vm/enable")); }, "no transport \"pcie\""},
      {EACCES, [&] { return echo("1", one("ports/tcp:127.0.0.1:1/enable")); }, "not permitted"},
      {EINVAL, [&] { return echo("2", one("ports/tcp:127.0.0.1:1/enable")); }, "must be 0 or 1"},
      {EOPNOTSUPP, [&] { return echo("tls1.3", one("ports/tcp:127.0.0.1:1/addr_tsas")); }, "TLS"},
      {EACCES, [&] { return echo("::1", one("ports/tcp:127.0.0.1:1/addr_traddr")); }, "only be read"},
      {EEXIST, [&] { return echo("1", std::string(kDisk) + "/enable"); }, "enabled already"},
      {EINVAL, [&] { return echo("0", std::string(kDisk) + "/enable"); }, "remove its directory"},
      {EBUSY, [&] { return echo("size=1", std::string(kDisk) + "/control"); }, "make it anew"},
      {EINVAL, [&] { return ln("nonsense", ns + "/1"); }, "must end in target/core/PLUGIN_N/DEVICE"},
      {ENOENT, [&] { return ln("/x/target/core/disk_0/b", ns + "/1"); }, "there is none"},
      {EINVAL, [&] { return ln("/x/target/core/disk_0/a", ns + "/a b"); }, "no blank"},
      {EILSEQ, [&] { return ln("/\xff/target/core/disk_0/a", ns + "/1"); }, "UTF-8"},
      {EILSEQ, [&] { return echo("\xc3", std::string(kDisk) + "/alias"); }, "UTF-8"},
      {EPERM, [&] { return ln("/x/target/core/disk_0/a", one("x")); }, "no link can be made"},
      {EPERM, [&] { return rm(ns + "/size"); }, "goes with its directory"},
      {EISDIR, [&] { return rm(ns); }, "is a directory"},
      {ENOTDIR, [&] { return rmdir(ns + "/size"); }, "not a directory"},
      {EPERM, [&] { return rmdir(one("hosts")); }, "no directory"},
      {EINVAL, [&] { return echo("x", one("attr_qid_max")); }, "number from 1 to 128"},
      {EOPNOTSUPP, [&] { return echo("1", one("attr_pi_enable")); }, "not there yet"},
      {EOPNOTSUPP, [&] { return echo("1", ns + "/resv_enable"); }, "not there yet"},
      {EINVAL, [&] { return echo("129", ns + "/ana_grpid"); }, "from 1 to 128"},
      {EINVAL, [&] { return echo("broken", tcp + "1/ana_state"); }, "optimized, non-optimized"},
      {EBUSY, [&] { return rmdir(tcp + "1"); }, "always there"},
      {EEXIST, [&] { return mkdir(tcp + "1"); }, "one already"},
      {EINVAL, [&] { return mkdir(tcp + "129"); }, "from 1 to 128"},
      {EINVAL, [&] { return mkdir(tcp + "02"); }, "must be written 2"},
      {ENOENT, [&] { return echo("1", one("attr_none")); }, "no such file"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(each.call(), each.error) << each.says;
    EXPECT_THAT(said_, HasSubstr(each.says));
  }
}

TEST_F(ModelTreeTest, AttributesShowWhatWasWritten) {
  ASSERT_EQ(mkdir("target/core/disk_0"), 0);
  ASSERT_EQ(mkdir(kDisk), 0);
  const std::string disk = std::string(kDisk) + "/";
  EXPECT_EQ(echo("how=good,size=1", disk + "control"), 0) << said_;
  EXPECT_EQ(echo("how=good\nsize=2", disk + "control"), 0) << said_;
  EXPECT_EQ(echo("size=3,hau=1", disk + "control"), EINVAL);
  EXPECT_EQ(configuration_->model().find_device("disk_0/a")->entry().control.at("size"), "2")
      << "all or nothing";
  EXPECT_EQ(echo("how", disk + "control"), EINVAL);
  EXPECT_EQ(cat(disk + "last_error"), said_);
  EXPECT_EQ(echo("hau=1", disk + "control"), EINVAL);
  EXPECT_EQ(cat(disk + "control"), "error " + std::to_string(EACCES));
  EXPECT_EQ(echo("the first", disk + "alias"), 0);
  EXPECT_EQ(cat(disk + "alias"), "the first");
  constexpr const char* kSerial = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
  EXPECT_EQ(echo(kSerial, disk + "wwn/vpd_unit_serial"), 0);
  EXPECT_EQ(cat(disk + "enable"), "0");
  EXPECT_THAT(cat(disk + "info"), HasSubstr("DEACTIVATED"));
  EXPECT_EQ(echo("1", disk + "enable"), 0) << said_;
  EXPECT_EQ(cat(disk + "enable"), "1");
  EXPECT_THAT(cat(disk + "info"), HasSubstr("ACTIVATED"));
  EXPECT_EQ(uuid_text(backend("disk_0/a").serial()), kSerial);
  EXPECT_EQ(cat("target/core/disk_0/hba_info").substr(0, 26), "HBA Index: 0 plugin: disk ");

  ASSERT_EQ(mkdir(kOne), 0);
  EXPECT_EQ(echo("My model", one("attr_model")), 0);
  EXPECT_EQ(cat(one("attr_model")), "My model");
  EXPECT_EQ(snapshot("one")->settings.model, "My model");
  ASSERT_EQ(mkdir(one("namespaces/1")), 0);
  EXPECT_EQ(echo(kSerial, one("namespaces/1/device_uuid")), 0);
  EXPECT_EQ(echo("1", one("namespaces/1/readonly")), 0);
  EXPECT_EQ(echo("1", one("namespaces/1/revalidate_size")), ENODEV);
  ASSERT_EQ(ln(std::string("../../../../../") + kDisk, one("namespaces/1/disk")), 0) << said_;
  EXPECT_EQ(uuid_text(find_namespace("one", 1)->uuid), kSerial);
  EXPECT_TRUE(find_namespace("one", 1)->read_only);
  EXPECT_EQ(echo("0", one("namespaces/1/readonly")), EBUSY);
  EXPECT_EQ(echo("1", one("namespaces/1/revalidate_size")), 0);
}

TEST_F(ModelTreeTest, NamespacesAndPortsSayThemselvesWhy) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(one("namespaces/ns_1")), 0);
  ASSERT_EQ(mkdir(one("ports/loop")), 0);
  EXPECT_EQ(echo("x", one("namespaces/ns_1/ana_grpid")), EINVAL);
  EXPECT_THAT(cat(one("namespaces/ns_1/last_error")), HasSubstr("ana_grpid"));
  EXPECT_EQ(cat("kernel/nvmet/subsystems/one/namespaces/1/last_error"),
            cat(one("namespaces/ns_1/last_error")));
  EXPECT_EQ(ln("nonsense", one("namespaces/ns_1/x")), EINVAL);
  EXPECT_THAT(cat(one("namespaces/ns_1/last_error")), HasSubstr("must end in target/core"));
  EXPECT_EQ(echo("1", one("ports/loop/enable")), EOPNOTSUPP);
  EXPECT_THAT(cat(one("ports/loop/last_error")), HasSubstr("there is no transport \"loop\""));
  EXPECT_EQ(mkdir(one("ports/loop/ana_groups/129")), EINVAL);
  EXPECT_THAT(cat(one("ports/loop/last_error")), HasSubstr("ana_groups/129"));
  EXPECT_EQ(cat(one("last_error")), "");
  EXPECT_EQ(mkdir(one("ports/loop:x")), EINVAL);
  EXPECT_THAT(cat(one("last_error")), HasSubstr("loop:x")) << "there is no port of that name";
}

TEST_F(ModelTreeTest, AnaStatesReachTheTarget) {
  using wire::AnaState;
  make_disk();
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(one("namespaces/1")), 0);
  ASSERT_EQ(ln(kDisk, one("namespaces/1/1")), 0) << said_;
  const std::string port = one("ports/tcp:127.0.0.1:4420/");
  ASSERT_EQ(mkdir(one("ports/tcp:127.0.0.1:4420")), 0);
  const auto state = [this](std::uint32_t group) {
    return snapshot("one")->ana_of(transport_->acceptors.at("4420")->options().id).of(AnaGroupId(group));
  };
  EXPECT_EQ(ls(port + "ana_groups"), "1");
  EXPECT_EQ(cat(port + "ana_groups/1/ana_state"), "optimized");
  ASSERT_EQ(mkdir(port + "ana_groups/128"), 0) << said_;
  EXPECT_EQ(cat(port + "ana_groups/128/ana_state"), "inaccessible");
  ASSERT_EQ(echo("non-optimized", port + "ana_groups/128/ana_state"), 0) << said_;
  ASSERT_EQ(echo("1", port + "enable"), 0) << said_;
  EXPECT_EQ(state(128), AnaState::non_optimized) << "as it was before it was enabled";
  ASSERT_EQ(echo("change", port + "ana_groups/1/ana_state"), 0) << said_;
  EXPECT_EQ(state(1), AnaState::change);
  EXPECT_EQ(echo("128", one("namespaces/1/ana_grpid")), 0) << said_;
  EXPECT_EQ(find_namespace("one", 1)->ana_group, AnaGroupId(128));
  ASSERT_EQ(rmdir(port + "ana_groups/128"), 0) << said_;
  EXPECT_EQ(state(128), AnaState::inaccessible);
  ASSERT_EQ(rmdir(one("ports/tcp:127.0.0.1:4420")), 0) << said_;
  EXPECT_TRUE(snapshot("one")->ports.empty());
}

TEST_F(ModelTreeTest, ConnectedControllersAreThere) {
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(one("hosts/h")), 0);
  ASSERT_EQ(mkdir(one("ports/tcp:127.0.0.1:4420")), 0);
  ASSERT_EQ(echo("1", one("ports/tcp:127.0.0.1:4420/enable")), 0) << said_;
  EXPECT_EQ(ls(one("controllers")), "");
  {
    fabric::FakeHost host(loops_[0], *transport_->acceptors.at("4420"), [this] { return loops_.run_turn(); },
                          {.subnqn = "one", .hostnqn = "h", .kato_ms = 5000});
    ASSERT_TRUE(host.connect().ok());
    const std::string cntlid = ls(one("controllers"));
    const std::string its = one("controllers/") + cntlid + "/";
    EXPECT_EQ(cat(its + "hostnqn"), "h");
    EXPECT_EQ(cat(its + "hostid"), "5e2d1b44-8d4f-4a0e-9c39-3f6b0d9e7a01");
    EXPECT_EQ(cat(its + "host_traddr"), "127.0.0.1:50000");
    EXPECT_EQ(cat(its + "kato"), "5000");
    EXPECT_EQ(cat(its + "port"), "tcp:127.0.0.1:4420");
    EXPECT_EQ(cat(its + "queues"), "0");
    EXPECT_EQ(cat(its + "state"), "ready");
    ASSERT_TRUE(host.connect_io(Qid(1), loops_[1]).ok());
    EXPECT_EQ(cat(its + "queues"), "1");
    EXPECT_EQ(ls(one("controllers/0") + cntlid), "error " + std::to_string(ENOENT));
    EXPECT_EQ(mkdir(one("controllers/7")), EPERM);
    EXPECT_EQ(rmdir(one("controllers/") + cntlid), EPERM);
    EXPECT_EQ(echo("1", its + "kato"), EACCES);
    EXPECT_THAT(cat(one("last_error")), HasSubstr("kato can only be read"));
    EXPECT_FALSE(tree_->info(one("controllers"))->writable);
  }
  loops_.run_until_idle();
  EXPECT_EQ(ls(one("controllers")), "");
}

TEST_F(ModelTreeTest, EveryAttributeCanBeReadOrWritten) {
  make_disk();
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(one("hosts/h")), 0);
  ASSERT_EQ(mkdir(one("namespaces/1")), 0);
  ASSERT_EQ(mkdir(one("ports/tcp:127.0.0.1:4420")), 0);
  std::vector<std::string> folders = {""};
  std::size_t attributes = 0;
  while (!folders.empty()) {
    const std::string folder = folders.back();
    folders.pop_back();
    const auto entries = tree_->list(folder);
    ASSERT_TRUE(entries) << folder;
    EXPECT_TRUE(std::ranges::is_sorted(*entries, {}, &NodeEntry::name)) << folder;
    for (const auto& entry : *entries) {
      const std::string path = folder.empty() ? entry.name : folder + "/" + entry.name;
      const auto info = tree_->info(path);
      ASSERT_TRUE(info) << path;
      EXPECT_EQ(info->kind, entry.kind) << path;
      if (entry.kind == NodeKind::directory) {
        folders.push_back(path);
        continue;
      }
      if (entry.kind == NodeKind::link) continue;
      ++attributes;
      const auto value = tree_->read(path);
      EXPECT_EQ(value.has_value(), info->readable) << path;
      // What is shown is accepted back, unless the object is in use.
      if (!info->readable || !info->writable || value->empty()) continue;
      EXPECT_THAT(echo(*value, path), testing::AnyOf(0, EBUSY, EEXIST, EINVAL)) << path << ": " << said_;
    }
  }
  EXPECT_GT(attributes, 40u);
}

// Who still has an object that was removed changes nothing with it.
TEST_F(ModelTreeTest, WhatWasRemovedTakesNothingMore) {
  make_disk();
  ASSERT_EQ(mkdir(kOne), 0);
  const auto tenant = configuration_->model().find_subsystem("one");
  const auto disk = configuration_->model().find_device("disk_0/a");
  ASSERT_EQ(rmdir(kOne), 0);
  EXPECT_EQ(tenant->make_namespace(Nsid(1), "1").error().code, ENOENT);
  EXPECT_EQ(tenant->link(Nsid(1), {}, disk).error().code, ENOENT);
  EXPECT_EQ(tenant->subsystem()->add_namespace(Nsid(1), {.backend = disk->backend()}).error().code, ENOENT);
  EXPECT_EQ(rmdir(kDisk), 0) << "nobody uses it: " << said_;
  const PortName port{"tcp", "127.0.0.1", "4420"};
  EXPECT_TRUE(tenant->ports().make(port));
  EXPECT_EQ(tenant->ports().enable(port).error().code, ECANCELED);
  EXPECT_THAT(configuration_->listening(), IsEmpty());
}

TEST_F(ModelTreeTest, ARemovalThatIsRefusedIsNeverDone) {
  ASSERT_EQ(mkdir(kOne), 0);
  const auto subsystem = target_->find_subsystem("one");
  bool done = false;
  EXPECT_EQ(subsystem->remove_host("h", [&] { done = true; }).error().code, ENOENT);
  EXPECT_EQ(subsystem->remove_namespace(Nsid(1), [&] { done = true; }).error().code, ENOENT);
  loops_.run_until_idle();
  EXPECT_FALSE(done);
}

TEST_F(ModelTreeTest, NothingListensOnceTheEndHasBegun) {
  ASSERT_EQ(mkdir(kOne), 0);
  for (const char* port : {"tcp:127.0.0.1:4420", "tcp:127.0.0.1:4421"})
    ASSERT_EQ(mkdir(one("ports/") + port), 0);
  ASSERT_EQ(mkdir("nvmet/subsystems/two"), 0);
  ASSERT_EQ(mkdir("nvmet/subsystems/two/ports/tcp:127.0.0.1:4420"), 0);
  ASSERT_EQ(echo("1", one("ports/tcp:127.0.0.1:4420/enable")), 0);
  configuration_->close_listeners();
  EXPECT_EQ(echo("1", one("ports/tcp:127.0.0.1:4421/enable")), ECANCELED);
  EXPECT_EQ(echo("1", "nvmet/subsystems/two/ports/tcp:127.0.0.1:4420/enable"), ECANCELED);
  EXPECT_THAT(configuration_->listening(), IsEmpty());
}

class SlowTree : public ModelTreeTest {};

TEST_F(SlowTree, ADeviceThatHangsInOpenDelaysNoOther) {
  ASSERT_EQ(mkdir("target/core/disk_0"), 0);
  ASSERT_EQ(mkdir("target/core/disk_0/slow"), 0);
  ASSERT_EQ(echo("how=gate", "target/core/disk_0/slow/control"), 0);
  std::promise<int> opened;
  auto future = opened.get_future();
  tree_->write("target/core/disk_0/slow/enable", "1",
               [&opened](const Result<>& result) { opened.set_value(result ? 0 : result.error().code); });
  ASSERT_TRUE(gate_->wait_for_waiting(1));
  EXPECT_EQ(echo("1", "target/core/disk_0/slow/enable"), EALREADY);
  ASSERT_EQ(mkdir(kDisk), 0);
  ASSERT_EQ(echo("1", std::string(kDisk) + "/enable"), 0);
  EXPECT_EQ(ls("target/core/disk_0"), "a slow");
  // A namespace may wait for it.
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(one("namespaces/1")), 0);
  ASSERT_EQ(ln("target/core/disk_0/slow", one("namespaces/1/1")), 0) << said_;
  EXPECT_EQ(find_namespace("one", 1), nullptr);
  ASSERT_EQ(rm(one("namespaces/1/1")), 0);
  // Its name is free at once; who waits for it is told.
  EXPECT_EQ(rmdir("target/core/disk_0/slow"), 0);
  EXPECT_EQ(ls("target/core/disk_0"), "a");
  ASSERT_EQ(mkdir("target/core/disk_0/slow"), 0);
  gate_->open();
  EXPECT_EQ(future.get(), ECANCELED);
  EXPECT_EQ(cat("target/core/disk_0/slow/enable"), "0");
}

}  // namespace
}  // namespace weft::config
