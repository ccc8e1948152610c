// What the tree shows of a device: who it says it is, what its backend is like and has done.
#include <gtest/gtest.h>

#include "config/test_memory_store.h"
#include "config/test_model_tree.h"

namespace weft::config {
namespace {

const std::string kWwn = std::string(kDisk) + "/wwn/";
constexpr const char* kSerial = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";

class DeviceTree : public ModelTreeTest {
 protected:
  void make_closed_disk() {
    ASSERT_EQ(mkdir("target/core/disk_0"), 0);
    ASSERT_EQ(mkdir(kDisk), 0);
  }
  int enable() { return echo("1", std::string(kDisk) + "/enable"); }
};

TEST_F(DeviceTree, SaysWhoItIsWhenNobodySetIt) {
  make_closed_disk();
  EXPECT_EQ(cat(kWwn + "vendor_id"), "WEFT");
  EXPECT_EQ(cat(kWwn + "product_id"), "disk");
  EXPECT_EQ(target::SubsystemSettings().firmware.rfind(cat(kWwn + "revision") + ".", 0), 0u);
  EXPECT_EQ(cat(kWwn + "company_id"), "0x000000");
  EXPECT_EQ(cat(kWwn + "vpd_unit_serial"), "");
  ASSERT_EQ(enable(), 0);
  EXPECT_EQ(cat(kWwn + "vpd_unit_serial"), uuid_text(backend("disk_0/a").serial()));
}

TEST_F(DeviceTree, SaysWhoItIsAsWritten) {
  make_closed_disk();
  const std::pair<const char*, const char*> values[] = {{"vendor_id", "ACME"},
                                                        {"product_id", "A disk of 16 by"},
                                                        {"revision", "12.4"},
                                                        {"company_id", "0x001405"},
                                                        {"vpd_unit_serial", kSerial}};
  for (const auto& [name, value] : values) {
    EXPECT_EQ(echo(value, kWwn + name), 0) << said_;
    EXPECT_EQ(cat(kWwn + name), value);
  }
  EXPECT_EQ(echo("a vendor.", kWwn + "vendor_id"), EINVAL);
  EXPECT_THAT(said_, HasSubstr("vendor_id: \"a vendor.\" must be 1 to 8 printable ASCII characters"));
  EXPECT_EQ(echo("0x1000000", kWwn + "company_id"), EINVAL);
  EXPECT_THAT(said_, HasSubstr("\"0x1000000\" must be an IEEE OUI below 0x1000000"));
  ASSERT_EQ(enable(), 0);
  for (const auto& [name, value] : values) {
    EXPECT_EQ(cat(kWwn + name), value);
    EXPECT_EQ(echo(value, kWwn + name), 0) << "it says so already: " << said_;
  }
  EXPECT_EQ(echo("OTHER", kWwn + "vendor_id"), EBUSY);
  EXPECT_THAT(said_, HasSubstr("remove the device and make it anew"));
  EXPECT_EQ(cat(kWwn + "vendor_id"), "ACME");
}

TEST_F(DeviceTree, ShowsWhatTheBackendIsLike) {
  make_closed_disk();
  const std::string attrib = std::string(kDisk) + "/attrib/";
  struct Row {
    const char* name;
    const char* open;
    const char* read_only;
    const char* other;  // null: cannot be written
  };
  constexpr Row kRows[] = {{"emulate_fua_write", "1", "1", "0"},
                           {"emulate_write_cache", "1", "1", "0"},
                           {"hw_block_size", "512", "512", nullptr},
                           {"hw_max_sectors", "2048", "2048", nullptr},
                           {"is_nonrot", "1", "1", "0"},
                           {"max_unmap_lba_count", "4294967295", "0", "7"},
                           {"max_write_same_len", "65536", "0", "7"},
                           {"pi_prot_type", "0", "0", "1"},
                           {"unmap_granularity", "8", "0", "7"},
                           {"unmap_granularity_alignment", "0", "0", "7"},
                           {"unmap_zeroes_data", "1", "0", "7"}};
  EXPECT_EQ(cat(attrib + "unmap_granularity"), "") << "nobody knows yet";
  EXPECT_EQ(echo("8", attrib + "unmap_granularity"), EOPNOTSUPP);
  EXPECT_THAT(said_, HasSubstr("unmap_granularity: \"8\": the backend says it once it is open"));
  ASSERT_EQ(enable(), 0);
  for (const Row& row : kRows) {
    const std::string path = attrib + row.name;
    EXPECT_EQ(cat(path), row.open) << path;
    if (row.other == nullptr) {
      EXPECT_EQ(echo(row.open, path), EACCES) << path;
      continue;
    }
    EXPECT_EQ(echo(row.open, path), 0) << path << ": " << said_;
    EXPECT_EQ(echo(row.other, path), EOPNOTSUPP) << path;
    EXPECT_THAT(said_, HasSubstr(std::string(row.name) + ": \"" + row.other + "\": "));
    EXPECT_EQ(cat(path), row.open) << path;
  }
  EXPECT_EQ(tree_->list(attrib.substr(0, attrib.size() - 1))->size(), std::size(kRows) + 1);
  backend("disk_0/a").discards = false;
  for (const Row& row : kRows) EXPECT_EQ(cat(attrib + row.name), row.read_only) << row.name;
}

TEST_F(DeviceTree, TakesItsBlockSizeUntilItIsEnabled) {
  make_closed_disk();
  const std::string path = std::string(kDisk) + "/attrib/block_size";
  EXPECT_EQ(cat(path), "");
  ASSERT_EQ(echo("512", path), 0) << said_;
  EXPECT_EQ(cat(path), "512");
  EXPECT_EQ(configuration_->model().find_device("disk_0/a")->entry().control.at("block_size"), "512");
  ASSERT_EQ(enable(), 0);
  EXPECT_EQ(cat(path), "512");
  EXPECT_EQ(echo("512", path), 0) << "it is so already: " << said_;
  EXPECT_EQ(echo("4096", path), EBUSY);
}

TEST_F(DeviceTree, CountsWhatItsBackendDoes) {
  make_closed_disk();
  const std::string statistics = std::string(kDisk) + "/statistics/";
  constexpr const char* kNames[] = {
      "discard_commands", "errors",      "flush_commands", "read_bytes",
      "read_commands",    "write_bytes", "write_commands", "write_zeroes_commands"};
  const auto all = [&] {
    std::string values;
    for (const char* name : kNames) values += cat(statistics + name) + " ";
    return values;
  };
  EXPECT_EQ(tree_->list(statistics.substr(0, statistics.size() - 1))->size(), std::size(kNames));
  EXPECT_EQ(all(), "0 0 0 0 0 0 0 0 ");
  ASSERT_EQ(enable(), 0);
  EXPECT_EQ(all(), "0 0 0 0 0 0 0 0 ");
  using block::Op;
  const auto answered = [this](unsigned loop, Op op, std::uint64_t blocks, int error = 0) {
    block::Request request;
    request.op = op;
    request.blocks = blocks;
    request.error = error;
    TestBackend& disk = backend("disk_0/a");
    disk.counters(loops_[loop]).count(request, disk.geometry().block_bytes);
  };
  answered(0, Op::read, 1);
  answered(1, Op::read, 2);
  answered(1, Op::read, 4, EIO);
  answered(0, Op::write, 8);
  answered(1, Op::flush, 0, EIO);
  for (int i = 0; i < 2; ++i) answered(0, Op::discard, 1);
  for (int i = 0; i < 3; ++i) answered(0, Op::write_zeroes, 1);
  EXPECT_EQ(all(), "2 2 1 1536 3 4096 1 3 ");
  EXPECT_EQ(echo("0", statistics + "read_commands"), EACCES);
}

class DeviceDocuments : public DeviceTree {
 protected:
  DeviceDocuments() {
    store_ = &memory_;
    restart();
  }
  ~DeviceDocuments() override {
    tree_.reset();
    stop();
  }
  void restart() {
    tree_.reset();
    stop();
    start();
    memory_.clear();
    tree_.emplace(configuration_->model());
  }
  void make_exported_disk() {
    make_closed_disk();
    ASSERT_EQ(echo("ACME", kWwn + "vendor_id"), 0);
    ASSERT_EQ(enable(), 0);
    ASSERT_EQ(mkdir(kOne), 0);
    ASSERT_EQ(mkdir(one("namespaces/1")), 0);
    ASSERT_EQ(ln(kDisk, one("namespaces/1/a")), 0) << said_;
  }
  MemoryStore memory_;
};

TEST_F(DeviceDocuments, OneThatSaysWhatIsSoChangesNothingOfAnExportedDevice) {
  make_exported_disk();
  const auto exported = find_namespace("one", 1);
  Document document = *configuration_->save();
  EXPECT_THAT(configuration_->restore(document).problems, IsEmpty());
  EXPECT_EQ(find_namespace("one", 1), exported);
  // What it says of itself may be written out.
  DeviceIdentity& identity = document.devices.at("disk_0/a").identity;
  identity = configuration_->model().find_device("disk_0/a")->identity();
  EXPECT_THAT(configuration_->restore(document).problems, IsEmpty());
  EXPECT_EQ(find_namespace("one", 1), exported);
  EXPECT_EQ(*configuration_->save(), document) << "and is then asked for";
  EXPECT_THAT(memory_.flush().at(kDisk), HasSubstr("\"product_id\":\"disk\""));
}

TEST_F(DeviceDocuments, OneThatSaysOtherwiseMakesTheDeviceAnew) {
  make_exported_disk();
  Document document = *configuration_->save();
  document.devices.at("disk_0/a").identity.vendor_id = "OTHER";
  EXPECT_THAT(configuration_->restore(document).problems, IsEmpty());
  EXPECT_EQ(cat(kWwn + "vendor_id"), "OTHER");
  EXPECT_EQ(cat(std::string(kDisk) + "/enable"), "1");
  EXPECT_NE(find_namespace("one", 1), nullptr);
}

TEST_F(DeviceDocuments, TheStoreKnowsWhatItSays) {
  make_exported_disk();
  const Rows rows = memory_.flush();
  const Document document = *configuration_->save();
  restart();
  EXPECT_EQ(configuration_->load(rows), 0u);
  EXPECT_EQ(cat(kWwn + "vendor_id"), "ACME");
  EXPECT_EQ(cat(kWwn + "product_id"), "disk");
  EXPECT_EQ(*configuration_->save(), document);
}

}  // namespace
}  // namespace weft::config
