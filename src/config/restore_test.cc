// Documents beside the tree: a configuration file owns what it names, and save and restore.
#include <gtest/gtest.h>

#include "config/test_memory_store.h"
#include "config/test_model_tree.h"

namespace weft::config {
namespace {

class Documents : public ModelTreeTest {
 protected:
  Documents() {
    store_ = &memory_;
    restart_from({});
  }
  ~Documents() override {
    tree_.reset();
    stop();
  }
  void restart_from(Rows rows) {
    tree_.reset();
    stop();
    start();
    tree_.emplace(configuration_->model());
    memory_.clear();
    EXPECT_EQ(configuration_->load(std::move(rows)), 0u);
    loops_.run_until_idle();
    journal_.take();
  }
  Document parsed(const std::string& text) {
    auto document = parse_document(text);
    EXPECT_TRUE(document) << document.error().message;
    return document ? std::move(document->document) : Document();
  }
  static std::string subsystems(const std::string& all, const std::string& devices = R"("a": {})") {
    return R"({"version": 1, "target": {"core": {"disk_0": {)" + devices +
           R"(}}}, "nvmet": {"subsystems": {)" + all + "}}}";
  }
  std::string now() { return write_document(configuration_->model().document()); }

  MemoryStore memory_;
};

constexpr const char* kFile =
    R"("one": {"attr_model": "M", "hosts": {"h": {}, "g": {}}, "namespaces": {"1": {"device": "target/core/disk_0/a"},
                "2": {}}, "ports": {"tcp:127.0.0.1:4420": {}, "tcp:127.0.0.1:4421": {}}},
       "two": {})";

TEST_F(Documents, AFileOwnsWhatItNames) {
  ASSERT_EQ(apply(subsystems(kFile, R"("a": {}, "b": {})")), 0u);
  const auto own = [this] {
    for (const char* path : {"hosts/mine", "namespaces/9", "ports/tcp:127.0.0.1:9"})
      EXPECT_EQ(mkdir(one(path)), 0);
    EXPECT_EQ(echo("S", one("attr_serial")), 0);
    EXPECT_EQ(mkdir("target/core/disk_0/mine"), 0);
    EXPECT_EQ(echo("1", "target/core/disk_0/mine/enable"), 0);
    EXPECT_EQ(ln("target/core/disk_0/mine", one("namespaces/9/x")), 0);
    EXPECT_EQ(mkdir("target/core/ram_0"), 0);
    EXPECT_EQ(mkdir("nvmet/subsystems/mine"), 0);
    EXPECT_EQ(mkdir("nvmet/discovery/ports/tcp:[::1]:9"), 0);
  };
  own();
  journal_.take();
  // The next file names less: only what it does not name any more goes.
  ASSERT_EQ(apply(subsystems(R"("one": {"hosts": {"h": {}, "new": {}}, "namespaces": {"1": {"device":
                                "target/core/disk_0/a"}}, "ports": {"tcp:127.0.0.1:4420": {}}})")),
            0u);
  EXPECT_EQ(ls("nvmet/subsystems"), "mine one");
  EXPECT_EQ(ls("target/core"), "disk_0 ram_0");
  EXPECT_EQ(ls("target/core/disk_0"), "a mine");
  EXPECT_EQ(ls(one("hosts")), "h mine new");
  EXPECT_EQ(ls(one("namespaces")), "1 9");
  EXPECT_EQ(ls(one("ports")), "tcp:127.0.0.1:4420 tcp:127.0.0.1:9");
  EXPECT_EQ(cat(one("attr_model")), "Weft");
  EXPECT_EQ(cat(one("attr_serial")), "S");
  EXPECT_EQ(ls("nvmet/discovery/ports"), "tcp:[::1]:9");
  EXPECT_NE(find_namespace("one", 1), nullptr);
  EXPECT_NE(find_namespace("one", 9), nullptr);
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:4420"));
  EXPECT_THAT(journal_.take(), ElementsAre("stopped 127.0.0.1:4421", "closed disk_0/b"));
  // A subsystem of the file goes with all that was added to it; the device that others made stays.
  ASSERT_EQ(apply(R"({"version": 1})"), 0u);
  EXPECT_EQ(ls("nvmet/subsystems"), "mine");
  EXPECT_EQ(ls("target/core/disk_0"), "mine");
}

TEST_F(Documents, WhatTheFileNamesBecomesAsItSays) {
  make_disk();
  ASSERT_EQ(mkdir(kOne), 0);
  ASSERT_EQ(echo("X", one("attr_model")), 0);
  ASSERT_EQ(mkdir(one("namespaces/ns_1")), 0);
  ASSERT_EQ(ln("/x/target/core/disk_0/a", one("namespaces/ns_1/here")), 0);
  ASSERT_EQ(mkdir(one("ports/tcp:127.0.0.1:4420")), 0);
  const auto kept = find_namespace("one", 1);
  ASSERT_EQ(apply(subsystems(kFile)), 0u);
  EXPECT_EQ(find_namespace("one", 1), kept) << "hosts see the same";
  EXPECT_EQ(ls(one("namespaces")), "2 ns_1");
  EXPECT_EQ(cat(one("attr_model")), "M");
  EXPECT_EQ(cat(one("ports/tcp:127.0.0.1:4420/enable")), "1");
  // A device in use by what the file does not name cannot become another.
  ASSERT_EQ(mkdir("nvmet/subsystems/mine"), 0);
  ASSERT_EQ(mkdir("nvmet/subsystems/mine/namespaces/1"), 0);
  ASSERT_EQ(ln("target/core/disk_0/a", "nvmet/subsystems/mine/namespaces/1/a"), 0);
  EXPECT_EQ(apply(subsystems(kFile, R"("a": {"control": {"size": "2"}})")), 1u);
  EXPECT_THAT(journal_.take(),
              Contains(HasSubstr("problem target/core/disk_0/a: nvmet/subsystems/mine/namespaces/1 "
                                 "shows it to hosts")));
}

TEST_F(Documents, AFileIsRememberedAcrossRestarts) {
  ASSERT_EQ(apply(subsystems(kFile)), 0u);
  ASSERT_EQ(mkdir("nvmet/subsystems/mine"), 0);
  restart_from(memory_.flush());
  EXPECT_EQ(ls("nvmet/subsystems"), "mine one two");
  ASSERT_EQ(apply(subsystems(R"("two": {})")), 0u);
  EXPECT_EQ(ls("nvmet/subsystems"), "mine two");
}

TEST_F(Documents, TheWholeIsSavedAndRestored) {
  ASSERT_EQ(apply(subsystems(kFile)), 0u);
  ASSERT_EQ(mkdir("nvmet/discovery/ports/tcp:[::1]:9"), 0);
  ASSERT_EQ(mkdir("target/core/ram_0"), 0);
  const Document saved = *configuration_->save();
  const std::string text = write_document(saved);
  EXPECT_EQ(parsed(text), saved);
  ASSERT_EQ(mkdir("nvmet/subsystems/later"), 0);
  ASSERT_EQ(mkdir("target/core/ram_0/later"), 0);
  ASSERT_EQ(rmdir(one("hosts/h")), 0);
  const auto subsystem = target_->find_subsystem("one");
  const auto restored = configuration_->restore(saved);
  EXPECT_THAT(restored.problems, IsEmpty());
  EXPECT_TRUE(restored.kept);
  EXPECT_EQ(now(), text);
  EXPECT_EQ(write_document(read_rows([&] {
                             Rows rows = memory_.flush();
                             rows.erase("file");
                             return rows;
                           }())
                               .document),
            text)
      << "durable when it answers";
  EXPECT_EQ(target_->find_subsystem("one"), subsystem) << "what stays is not made anew";
  // In a process that has nothing.
  restart_from({});
  EXPECT_THAT(configuration_->restore(saved).problems, IsEmpty());
  EXPECT_EQ(now(), text);
  EXPECT_EQ(journal_.take().back(), "listening tcp:127.0.0.1:4421") << "listeners come last";
}

TEST_F(Documents, OneTenantIsSavedAndRestored) {
  ASSERT_EQ(apply(subsystems(kFile, R"("a": {}, "b": {})")), 0u);
  ASSERT_EQ(mkdir("nvmet/subsystems/three"), 0);
  EXPECT_FALSE(configuration_->save("none"));
  const Document saved = *configuration_->save("one");
  EXPECT_EQ(saved.subsystems.size(), 1u);
  EXPECT_EQ(saved.devices.size(), 1u);
  const std::string before = now();
  ASSERT_EQ(mkdir(one("hosts/later")), 0);
  ASSERT_EQ(echo("S", one("attr_serial")), 0);
  ASSERT_EQ(rm(one("namespaces/1/a")), 0);
  ASSERT_EQ(rmdir(one("namespaces/1")), 0);
  ASSERT_EQ(rmdir(one("ports/tcp:127.0.0.1:4420")), 0);
  EXPECT_THAT(configuration_->restore_tenants(saved).problems, IsEmpty());
  EXPECT_EQ(now(), before);
  // Where it is gone altogether, with its device.
  ASSERT_EQ(apply(R"({"version": 1})"), 0u);
  EXPECT_EQ(ls("nvmet/subsystems"), "three");
  EXPECT_THAT(configuration_->restore_tenants(saved).problems, IsEmpty());
  EXPECT_EQ(ls("nvmet/subsystems"), "one three");
  EXPECT_NE(find_namespace("one", 1), nullptr);
}

TEST_F(Documents, ARestoreReportsEachBadItemAndWhatIsNotKept) {
  const Document document = parsed(subsystems(
      R"("one": {"namespaces": {"1": {"device": "target/core/disk_0/a"}, "2": {"device": "target/core/disk_0/b"}},
                 "ports": {"tcp:127.0.0.1:1": {}, "tcp:127.0.0.1:2": {}}})",
      R"("a": {}, "b": {"control": {"how": "fail"}})"));
  memory_.hold();
  std::promise<Restored> promise;
  auto future = promise.get_future();
  std::thread restorer([&] { promise.set_value(configuration_->restore(document)); });
  EXPECT_TRUE(eventually([this] { return memory_.waiting() == 1; }));
  memory_.release(fail(ENOSPC, "the disk is full"));
  restorer.join();
  const Restored restored = future.get();
  std::vector<std::string> problems;
  for (const auto& each : restored.problems) problems.push_back(each.text());
  EXPECT_THAT(problems, ElementsAre(HasSubstr("target/core/disk_0/b: how \"fail\""),
                                    HasSubstr("nvmet/subsystems/one/ports/tcp:127.0.0.1:1: ")));
  EXPECT_EQ(restored.kept.error().code, ENOSPC);
  EXPECT_NE(find_namespace("one", 1), nullptr);
  EXPECT_THAT(configuration_->listening(), ElementsAre("tcp:127.0.0.1:2"));
}

TEST_F(Documents, ReferralsAreKept) {
  const std::string text = R"({"version": 1, "nvmet": {"discovery": {"referrals": {
      "far": {"addr_trtype": "tcp", "addr_traddr": "192.0.2.1", "addr_trsvcid": "8009"},
      "off": {"addr_trtype": "tcp", "addr_traddr": "192.0.2.2", "addr_trsvcid": "8009", "enable": 0}}}}})";
  EXPECT_THAT(configuration_->restore(parsed(text)).problems, IsEmpty());
  ASSERT_EQ(target_->referrals().size(), 1u);
  EXPECT_EQ(now(), write_document(parsed(text)));
  restart_from(memory_.flush());
  EXPECT_EQ(now(), write_document(parsed(text)));
  ASSERT_EQ(target_->referrals().size(), 1u);
  EXPECT_EQ(target_->referrals()[0].name, "far");
}

}  // namespace
}  // namespace weft::config
