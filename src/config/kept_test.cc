// What the tree and documents change is in the store, and a restart finds it.
#include <gtest/gtest.h>

#include <random>

#include "config/nvmetcli_format.h"
#include "config/test_memory_store.h"
#include "config/test_model_tree.h"

namespace weft::config {
namespace {

class KeptTest : public ModelTreeTest {
 protected:
  KeptTest() {
    store_ = &memory_;
    restart_empty();
  }
  ~KeptTest() override {
    tree_.reset();
    stop();
  }

  // A new process that has nothing but these rows.  The number of problems.
  std::size_t restart_from(Rows rows) {
    restart_empty();
    const std::size_t problems = configuration_->load(std::move(rows));
    loops_.run_until_idle();
    return problems;
  }
  void restart_empty() {
    tree_.reset();
    stop();
    gate_ = make_gate();
    start();
    memory_.clear();
    journal_.take();
    tree_.emplace(configuration_->model());
  }
  std::string now() { return write_document(configuration_->model().document()); }
  std::string kept() { return write_document(read_rows(memory_.flush()).document); }

  void make_tenant() {
    ASSERT_EQ(mkdir("target/core/disk_0"), 0);
    ASSERT_EQ(mkdir(kDisk), 0);
    ASSERT_EQ(echo("A disk", std::string(kDisk) + "/wwn/product_id"), 0);
    ASSERT_EQ(echo("1", std::string(kDisk) + "/enable"), 0);
    ASSERT_EQ(echo("how=good", std::string(kDisk) + "/control"), EBUSY);
    ASSERT_EQ(echo("the first", std::string(kDisk) + "/alias"), 0);
    ASSERT_EQ(mkdir(kOne), 0);
    ASSERT_EQ(echo("M", one("attr_model")), 0);
    ASSERT_EQ(mkdir(one("hosts/h")), 0);
    ASSERT_EQ(mkdir(one("namespaces/ns_1")), 0);
    ASSERT_EQ(echo("7", one("namespaces/ns_1/ana_grpid")), 0);
    ASSERT_EQ(ln("/x/target/core/disk_0/a", one("namespaces/ns_1/here")), 0);
    ASSERT_EQ(mkdir(one("ports/tcp:127.0.0.1:4420")), 0);
    ASSERT_EQ(echo("192.0.2.1:1", one("ports/tcp:127.0.0.1:4420/addr_advertise")), 0);
    ASSERT_EQ(echo("1", one("ports/tcp:127.0.0.1:4420/enable")), 0);
  }
  // As Linux knows it: port 7 with a host and a subsystem that nobody has shown elsewhere.
  void make_kernel_tenant() {
    ASSERT_EQ(mkdir("kernel/nvmet/subsystems/two"), 0);
    ASSERT_EQ(mkdir("kernel/nvmet/hosts/g"), 0);
    ASSERT_EQ(mkdir("kernel/nvmet/hosts/h"), 0);
    ASSERT_EQ(ln("/k/hosts/h", "kernel/nvmet/subsystems/two/allowed_hosts/h"), 0);
    ASSERT_EQ(mkdir("kernel/nvmet/subsystems/two/namespaces/3"), 0);
    ASSERT_EQ(echo("/k/file", "kernel/nvmet/subsystems/two/namespaces/3/device_path"), 0);
    ASSERT_EQ(echo("1", "kernel/nvmet/subsystems/two/namespaces/3/buffered_io"), 0);
    ASSERT_EQ(mkdir(kPort), 0);
    for (const auto& [name, value] : {std::pair("addr_trtype", "tcp"),
                                      {"addr_traddr", "127.0.0.1"},
                                      {"addr_trsvcid", "4421"},
                                      {"param_mdts", "5"}})
      ASSERT_EQ(echo(value, kPort + "/" + name), 0) << said_;
    ASSERT_EQ(mkdir(kPort + "/ana_groups/2"), 0);
    ASSERT_EQ(ln("/k/subsystems/two", kPort + "/subsystems/two"), 0) << said_;
  }
  const std::string kPort = "kernel/nvmet/ports/7";

  MemoryStore memory_;
};

TEST_F(KeptTest, ATenantComesBackAsItWas) {
  make_tenant();
  const std::string before = now();
  EXPECT_EQ(kept(), before);
  EXPECT_THAT(before, HasSubstr("\"link_target\": \"/x/target/core/disk_0/a\""));
  const Rows rows = memory_.flush();
  EXPECT_EQ(restart_from(rows), 0u);
  EXPECT_EQ(now(), before);
  EXPECT_EQ(memory_.flush(), rows) << "loading says what the store said";
  EXPECT_EQ(*tree_->read_link(one("namespaces/ns_1/here")), "/x/target/core/disk_0/a");
  EXPECT_EQ(cat(std::string(kDisk) + "/wwn/product_id"), "A disk");
  EXPECT_NE(find_namespace("one", 1), nullptr);
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4420"));
}

TEST_F(KeptTest, WhatTheKernelLayoutAloneKnowsComesBack) {
  make_kernel_tenant();
  ASSERT_EQ(mkdir("kernel/nvmet/ports/9"), 0);
  ASSERT_EQ(echo("tcp", "kernel/nvmet/ports/9/addr_trtype"), 0);
  ASSERT_EQ(echo("nqn.2024-01.test:d", "kernel/nvmet/discovery_nqn"), 0);
  for (const bool listens : {true, false}) {
    ASSERT_EQ(echo(listens ? "1" : "0", kPort + "/listen"), 0);
    const std::string before = now();
    EXPECT_EQ(kept(), before);
    const Rows rows = memory_.flush();
    EXPECT_EQ(restart_from(rows), 0u);
    EXPECT_EQ(now(), before);
    EXPECT_EQ(memory_.flush(), rows) << "loading says what the store said";
    EXPECT_EQ(ls("kernel/nvmet/hosts"), "g h");
    EXPECT_EQ(ls("kernel/nvmet/ports"), "7 9");
    EXPECT_EQ(ls(kPort + "/subsystems"), "two");
    EXPECT_EQ(*tree_->read_link(kPort + "/subsystems/two"), "/k/subsystems/two");
    EXPECT_EQ(*tree_->read_link("kernel/nvmet/subsystems/two/allowed_hosts/h"), "/k/hosts/h");
    EXPECT_EQ(cat(kPort + "/param_mdts"), "5");
    EXPECT_EQ(ls(kPort + "/ana_groups"), "1 2");
    EXPECT_EQ(cat(kPort + "/listen"), listens ? "1" : "0");
    EXPECT_EQ(configuration_->listening().size(), listens ? 1u : 0u);
    EXPECT_EQ(cat("kernel/nvmet/ports/9/addr_trtype"), "tcp");
    EXPECT_EQ(cat("kernel/nvmet/subsystems/two/namespaces/3/device_path"), "/k/file");
    EXPECT_EQ(cat("kernel/nvmet/subsystems/two/namespaces/3/buffered_io"), "1");
    EXPECT_EQ(cat("nvmet/discovery_nqn"), "nqn.2024-01.test:d");
  }
  ASSERT_EQ(echo("1", kPort + "/listen"), 0);
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4421"));
}

TEST_F(KeptTest, ADocumentRestoresTheKernelLayoutToo) {
  make_kernel_tenant();
  ASSERT_EQ(echo("nqn.2024-01.test:d", "kernel/nvmet/discovery_nqn"), 0);
  const Document saved = *configuration_->save();
  const std::string before = now();
  restart_empty();
  ASSERT_EQ(mkdir("kernel/nvmet/ports/9"), 0);
  ASSERT_EQ(mkdir("kernel/nvmet/hosts/x"), 0);
  EXPECT_TRUE(configuration_->restore(saved).problems.empty());
  EXPECT_EQ(now(), before);
  EXPECT_EQ(kept(), before);
  EXPECT_EQ(ls(kPort + "/subsystems"), "two");
  EXPECT_TRUE(configuration_->restore({}).problems.empty());
  EXPECT_EQ(now(), write_document({}));
  EXPECT_EQ(kept(), write_document({}));
  for (const char* all : {"kernel/nvmet/hosts", "kernel/nvmet/ports"}) EXPECT_EQ(ls(all), "");
}

// Hosts are told of each change.
TEST_F(KeptTest, ADiscoveryNqnThatIsSoAlreadyIsNoChange) {
  Document document;
  document.discovery_nqn = "nqn.2024-01.test:d";
  const auto first = target_->discovery_generation();
  EXPECT_TRUE(configuration_->restore(document).problems.empty());
  const auto changed = target_->discovery_generation();
  EXPECT_GT(changed, first);
  EXPECT_TRUE(configuration_->restore(document).problems.empty());
  EXPECT_EQ(target_->discovery_generation(), changed);
}

// Its address may be changed, or become another port's, once the other layout has closed its links.
TEST_F(KeptTest, APortWhoseLinksWereClosedInTheOtherLayoutComesBackWithAnyAddress) {
  make_kernel_tenant();
  ASSERT_EQ(echo("0", "nvmet/subsystems/two/ports/tcp:127.0.0.1:4421/enable"), 0);
  EXPECT_EQ(ls(kPort + "/subsystems"), "");
  ASSERT_EQ(echo("ipv6", kPort + "/addr_adrfam"), 0);
  const std::string before = now();
  EXPECT_EQ(kept(), before);
  EXPECT_EQ(restart_from(memory_.flush()), 0u);
  EXPECT_EQ(now(), before);
  EXPECT_EQ(cat(kPort + "/addr_adrfam"), "ipv6");
}

// The listener closes behind the answer; a crash before it has does not bring the link back.
TEST_F(KeptTest, ALinkThatWasRemovedIsNotInTheStoreAnyMore) {
  make_kernel_tenant();
  std::promise<Rows> at_the_stop;
  transport_->stopped = [&](const std::string&) { at_the_stop.set_value(memory_.flush()); };
  ASSERT_EQ(rm(kPort + "/subsystems/two"), 0);
  for (const auto& [path, value] : at_the_stop.get_future().get())
    EXPECT_FALSE(path.starts_with("nvmet/subsystems/two/ports/") || path.starts_with(kPort + "/")) << path;
  transport_->stopped = nullptr;
}

TEST_F(KeptTest, NothingIsLeftOfLinksWhoseSubsystemIsGone) {
  for (const bool port_first : {false, true}) {
    make_kernel_tenant();
    const std::string port = "nvmet/subsystems/two/ports/tcp:127.0.0.1:4421";
    EXPECT_EQ(port_first ? rmdir(port) : 0, 0);
    for (const auto* each : {"hosts/h", "namespaces/3"})
      ASSERT_EQ(rmdir(std::string("nvmet/subsystems/two/") + each), 0);
    EXPECT_EQ(port_first ? 0 : rmdir(port), 0);
    ASSERT_EQ(rmdir("nvmet/subsystems/two"), 0);
    for (const auto& [path, value] : memory_.flush()) EXPECT_THAT(path, Not(HasSubstr("two")));
    for (const auto* each : {"ports/7", "hosts/g", "hosts/h"})
      ASSERT_EQ(rmdir(std::string("kernel/nvmet/") + each), 0) << said_;
    EXPECT_TRUE(memory_.flush().empty());
  }
}

TEST_F(KeptTest, EveryChangeIsKept) {
  constexpr const char* kWellKnown = "nqn.2014-08.org.nvmexpress.discovery";
  std::mt19937 dice(1);
  const auto any = [&dice](std::initializer_list<const char*> words) {
    return std::string(*(words.begin() + dice() % words.size()));
  };
  int done = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string adapter = "target/core/" + any({"disk_0", "ram_7"});
    const std::string device = adapter + "/" + any({"a", "b"});
    const std::string nqn = any({"one", "two"});
    const std::string subsystem = "nvmet/subsystems/" + nqn;
    const std::string kernel_subsystem = "kernel/nvmet/subsystems/" + nqn;
    const std::string kernel_space = kernel_subsystem + "/namespaces/" + any({"2", "3"});
    const std::string kernel_host = "kernel/nvmet/hosts/" + any({"g", "h"});
    const std::string kernel_port = "kernel/nvmet/ports/" + any({"1", "7"});
    const std::string host = subsystem + "/hosts/" + any({"g", "h"});
    const std::string space = subsystem + "/namespaces/" + any({"1", "ns_1", "2"});
    const std::string owner = any({"", "x"}).empty() ? subsystem : "nvmet/discovery";
    const std::string port = owner + "/ports/" + any({"tcp:[::1]:1", "tcp:[::1]:5", "loop"});
    const std::function<int()> calls[] = {
        [&] { return mkdir(adapter); },
        [&] { return mkdir(device); },
        [&] { return mkdir(subsystem); },
        [&] { return mkdir(host); },
        [&] { return mkdir(space); },
        [&] { return mkdir(port); },
        [&] { return ln(any({"/x/", ""}) + device, space + "/" + any({"a", "b"})); },
        [&] { return echo(any({"how=good", "how=fail", "size=1"}), device + "/control"); },
        [&] { return echo("1", device + "/enable"); },
        [&] { return echo(any({"", "an alias"}), device + "/alias"); },
        [&] { return echo("/dev/x", device + "/udev_path"); },
        [&] { return echo("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", device + "/wwn/vpd_unit_serial"); },
        [&] { return echo(any({"ACME", "WEFT"}), device + "/wwn/vendor_id"); },
        [&] { return echo(any({"Weft", "M"}), subsystem + "/attr_model"); },
        [&] { return echo(any({"0", "1"}), subsystem + "/attr_allow_any_host"); },
        [&] { return echo(any({"1", "2"}), space + "/ana_grpid"); },
        [&] { return echo(any({"0", "1"}), port + "/enable"); },
        [&] { return echo(any({"", "192.0.2.1:4420"}), port + "/addr_advertise"); },
        [&] { return rm(space + "/" + any({"a", "b"})); },
        [&] { return rmdir(any({adapter.c_str(), device.c_str(), subsystem.c_str()})); },
        [&] { return rmdir(any({host.c_str(), space.c_str(), port.c_str()})); },
        [&] { return mkdir(kernel_host); },
        [&] { return ln("/k/hosts/g", kernel_subsystem + "/allowed_hosts/g"); },
        [&] { return mkdir(kernel_space); },
        [&] { return echo(any({"/k/file", "core/disk_0/a"}), kernel_space + "/device_path"); },
        [&] { return echo(any({"0", "1"}), kernel_space + "/buffered_io"); },
        [&] { return echo(any({"0", "1"}), kernel_space + "/enable"); },
        [&] { return mkdir(kernel_port); },
        [&] { return echo("tcp", kernel_port + "/addr_trtype"); },
        [&] { return echo("::1", kernel_port + "/addr_traddr"); },
        [&] { return echo(any({"1", "5", "7"}), kernel_port + "/addr_trsvcid"); },
        [&] { return echo(any({"0", "5"}), kernel_port + "/param_mdts"); },
        [&] { return echo(any({"0", "1"}), kernel_port + "/listen"); },
        [&] { return mkdir(kernel_port + "/ana_groups/2"); },
        [&] { return echo("inaccessible", kernel_port + "/ana_groups/1/ana_state"); },
        [&] { return ln("/k/subsystems/" + nqn, kernel_port + "/subsystems/" + nqn); },
        [&] { return rm(kernel_port + "/subsystems/" + nqn); },
        [&] { return rm(kernel_subsystem + "/allowed_hosts/g"); },
        [&] { return rmdir(any({kernel_host.c_str(), kernel_space.c_str(), kernel_port.c_str()})); },
        [&] { return rmdir(kernel_port + "/ana_groups/2"); },
        [&] { return rmdir(kernel_subsystem); },
        [&] { return echo(any({"nqn.2024-01.test:d", kWellKnown}), "nvmet/discovery_nqn"); },
    };
    done += calls[dice() % std::size(calls)]() == 0 ? 1 : 0;
    ASSERT_EQ(kept(), now()) << "after " << i << " calls";
  }
  EXPECT_GT(done, 300);
  ASSERT_TRUE(configuration_->model().workshop()->workers.wait_idle(std::chrono::seconds(10)));
  const std::string before = now();
  const std::string as_linux_shows_it = *export_nvmetcli(*tree_);
  restart_from(memory_.flush());
  EXPECT_EQ(now(), before);
  EXPECT_EQ(*export_nvmetcli(*tree_), as_linux_shows_it);
}

TEST_F(KeptTest, NothingIsAnsweredBeforeItIsDurable) {
  make_tenant();
  const std::vector<std::function<void(Answer)>> calls = {
      [&](Answer a) { tree_->make_directory("target/core/ram_0", std::move(a)); },
      [&](Answer a) { tree_->make_directory("target/core/disk_0/b", std::move(a)); },
      [&](Answer a) { tree_->make_directory("nvmet/subsystems/two", std::move(a)); },
      [&](Answer a) { tree_->remove_directory("nvmet/subsystems/two", std::move(a)); },
      [&](Answer a) { tree_->write(one("attr_model"), "N", std::move(a)); },
      [&](Answer a) { tree_->write(one("ports/tcp:127.0.0.1:4420/enable"), "0", std::move(a)); },
      [&](Answer a) { tree_->remove_directory(one("hosts/h"), std::move(a)); },
      [&](Answer a) { tree_->remove_link(one("namespaces/ns_1/here"), std::move(a)); },
      [&](Answer a) { tree_->remove_directory(kDisk, std::move(a)); },
  };
  for (const auto& call : calls) {
    memory_.hold();
    bool answered = false;
    call([&answered](const Result<>& result) {
      EXPECT_TRUE(result);
      answered = true;
    });
    ASSERT_TRUE(eventually([&] { return memory_.waiting() == 1; }));
    EXPECT_FALSE(answered);
    memory_.release({});
    EXPECT_TRUE(answered);
  }
  // What was refused has nothing to wait for.
  memory_.hold();
  EXPECT_EQ(mkdir(kOne), EEXIST);
  Result<> refused;
  tree_->make_directory("nvmet/subsystems/two", [&refused](Result<> result) { refused = std::move(result); });
  memory_.release(fail(ENOSPC, "it is in force but not kept: the disk is full"));
  EXPECT_EQ(refused.error().code, ENOSPC);
  EXPECT_THAT(cat("last_error"), HasSubstr("nvmet/subsystems/two: it is in force but not kept"));
  EXPECT_EQ(ls("nvmet/subsystems"), "one two");
}

// Who is told that a namespace has drained may be killed the moment after.
TEST_F(KeptTest, ANamespaceThatHasGoneIsNotInTheStoreAnyMore) {
  make_tenant();
  const auto tenant = configuration_->model().find_subsystem("one");
  const std::string row = one("namespaces/ns_1");
  std::optional<Rows> when_done;
  const auto note = [&] { when_done = memory_.flush(); };
  ASSERT_TRUE(tenant->unlink(Nsid(1), note));
  ASSERT_TRUE(eventually([&] { return when_done.has_value(); }));
  EXPECT_THAT(when_done->at(row), Not(HasSubstr("device\"")));
  when_done.reset();
  ASSERT_EQ(ln("target/core/disk_0/a", row + "/here"), 0);
  ASSERT_TRUE(tenant->remove_namespace(Nsid(1), note));
  ASSERT_TRUE(eventually([&] { return when_done.has_value(); }));
  EXPECT_FALSE(when_done->contains(row));
}

TEST_F(KeptTest, RemovingASubsystemTakesAllOfItOutOfTheStore) {
  make_tenant();
  ASSERT_EQ(mkdir("nvmet/subsystems/one.two"), 0);
  memory_.put("nvmet/subsystems/one/namespaces/9", "not readable");
  ASSERT_EQ(rm(one("namespaces/ns_1/here")), 0);
  for (const char* name : {"hosts/h", "namespaces/ns_1", "ports/tcp:127.0.0.1:4420"})
    ASSERT_EQ(rmdir(one(name)), 0);
  ASSERT_EQ(rmdir(kOne), 0);
  for (const auto& [path, value] : memory_.flush())
    EXPECT_FALSE(path.starts_with("nvmet/subsystems/one/")) << path;
  EXPECT_TRUE(memory_.flush().contains("nvmet/subsystems/one.two"));
  // Nor does a new one of the name inherit what could not be read.
  memory_.put("nvmet/subsystems/one", "not readable");
  memory_.put("nvmet/subsystems/one/hosts/old", "{}");
  ASSERT_EQ(mkdir(kOne), 0);
  EXPECT_FALSE(memory_.flush().contains("nvmet/subsystems/one/hosts/old"));
}

// A crash while it is under way finds the port as it was, or gone.
TEST_F(KeptTest, APortIsRemovedInOneStep) {
  make_tenant();
  const Rows before = memory_.flush();
  transport_->stopped = [&](const std::string&) { EXPECT_EQ(memory_.flush(), before); };
  ASSERT_EQ(rmdir(one("ports/tcp:127.0.0.1:4420")), 0);
  transport_->stopped = nullptr;
  EXPECT_EQ(memory_.flush().size(), before.size() - 1);
}

TEST_F(KeptTest, RowsThatCannotBeReadAreReportedAndLeft) {
  make_tenant();
  Rows rows = memory_.flush();
  rows["nvmet/subsystems/one/hosts/bad"] = "{";
  rows["target/core/disk_0/later"] = R"({"control": {}, "of_a_later_version": 1})";
  EXPECT_EQ(restart_from(rows), 2u);
  const auto said = journal_.take();
  EXPECT_THAT(
      said,
      Contains("problem nvmet/subsystems/one/hosts/bad: what is kept of it is no JSON object; it is left "
               "in the store as it is"));
  EXPECT_THAT(said, Contains(HasSubstr("problem target/core/disk_0/later/of_a_later_version: unknown key")));
  EXPECT_NE(find_namespace("one", 1), nullptr);
}

// It is asked for until somebody says otherwise, and so are the namespaces that show it.
TEST_F(KeptTest, ADeviceThatFailsAtTheStartStaysConfigured) {
  make_tenant();
  Rows rows = memory_.flush();
  rows["target/core/disk_0/a"] = R"({"alias":"the first","control":{"how":"fail"},"enable":1})";
  EXPECT_EQ(restart_from(rows), 1u);
  EXPECT_EQ(memory_.flush(), rows);
  EXPECT_EQ(cat(std::string(kDisk) + "/enable"), "0");
  EXPECT_EQ(ls(one("namespaces/ns_1")), "here");
  EXPECT_EQ(find_namespace("one", 1), nullptr);
  EXPECT_EQ(echo("1", std::string(kDisk) + "/enable"), ENOENT) << "it fails again";
  EXPECT_EQ(memory_.flush(), rows);
  // What was wrong is put right.
  ASSERT_EQ(echo("how=good", std::string(kDisk) + "/control"), 0);
  ASSERT_EQ(echo("1", std::string(kDisk) + "/enable"), 0);
  EXPECT_NE(find_namespace("one", 1), nullptr);
}

TEST_F(KeptTest, ATryThatFailedIsNotRepeatedAtTheStart) {
  ASSERT_EQ(mkdir("target/core/disk_0"), 0);
  ASSERT_EQ(mkdir(kDisk), 0);
  ASSERT_EQ(echo("how=fail", std::string(kDisk) + "/control"), 0);
  EXPECT_EQ(echo("1", std::string(kDisk) + "/enable"), ENOENT);
  EXPECT_THAT(memory_.flush().at(kDisk), HasSubstr("\"enable\":0"));
}

// What is linked to it meanwhile must find it enabled after a crash.
TEST_F(KeptTest, AnEnableIsKeptBeforeItIsDone) {
  make_disk();
  ASSERT_EQ(mkdir("target/core/disk_0/slow"), 0);
  ASSERT_EQ(echo("how=gate", "target/core/disk_0/slow/control"), 0);
  std::promise<void> opened;
  tree_->write("target/core/disk_0/slow/enable", "1", [&opened](const Result<>&) { opened.set_value(); });
  ASSERT_TRUE(gate_->wait_for_waiting(1));
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(mkdir(one("namespaces/1")), 0);
  ASSERT_EQ(ln("target/core/disk_0/slow", one("namespaces/1/slow")), 0);
  const Rows rows = memory_.flush();
  gate_->open();
  opened.get_future().wait();
  gate_ = make_gate();
  tree_.reset();
  stop();
  start();
  tree_.emplace(configuration_->model());
  gate_->open();
  EXPECT_EQ(configuration_->load(rows), 0u);
  EXPECT_NE(find_namespace("one", 1), nullptr);
}

TEST_F(KeptTest, WhatAKilledPredecessorStillHoldsIsTriedAgain) {
  make_tenant();
  const std::string before = now();
  const Rows rows = memory_.flush();
  restart_empty();
  transport_->busy = 3;
  EXPECT_EQ(configuration_->load(rows), 0u);
  EXPECT_EQ(now(), before);
  EXPECT_THAT(journal_.take(), Not(Contains(HasSubstr("problem"))));
  // But not for ever.
  patience_.predecessor = std::chrono::milliseconds(20);
  restart_empty();
  transport_->busy = 1 << 20;
  EXPECT_EQ(configuration_->load(rows), 1u);
  EXPECT_THAT(journal_.take(), Contains(HasSubstr("another socket holds this address")));
}

}  // namespace
}  // namespace weft::config
