// What the tree shows of a device: who it says it is.
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
