#include "config/attributes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

namespace weft::config {
namespace {

using target::SubsystemSettings;

struct Row {
  const char* name;
  std::vector<std::pair<std::string, std::string>> accepted;  // written, then shown
  std::vector<std::string> refused;
};

std::vector<Row> limits() {
  return {
      {"attr_allow_any_host", {{"0", "0"}, {"1", "1"}}, {"", "2", "yes", "01"}},
      {"attr_cntlid_max", {{"1", "1"}, {"65519", "65519"}}, {"0", "65520", "-1", ""}},
      {"attr_cntlid_min", {{"1", "1"}, {"65519", "65519"}}, {"0", "65520", "x"}},
      {"attr_firmware", {{"1", "1"}, {"12345678", "12345678"}}, {"", "123456789", " 1", "1 ", "\xC3\xA4"}},
      {"attr_ieee_oui", {{"0", "0x000000"}, {"0xFFFFFF", "0xffffff"}}, {"0x1000000", "-", "0x"}},
      {"attr_model",
       {{"a b", "a b"}, {std::string(40, '~'), std::string(40, '~')}},
       {"", std::string(41, 'm'), "a\n", "a\x7F"}},
      {"attr_qid_max", {{"1", "1"}, {"128", "128"}}, {"0", "129"}},
      {"attr_serial",
       {{"S", "S"}, {std::string(20, '0'), std::string(20, '0')}},
       {"", std::string(21, '0'), "S "}},
      {"attr_subsys_vendor_id", {{"0", "0x0000"}, {"65535", "0xffff"}}, {"65536"}},
      {"attr_vendor_id", {{"0x1B96", "0x1b96"}, {"0", "0x0000"}}, {"0x10000", ""}},
      {"attr_version",
       {{"1.3", "1.3"}, {"1.4", "1.4"}, {"1.4.0", "1.4"}, {"2.0", "2.0"}, {"2.1", "2.1"}},
       {"1.2", "2.2", "2", "2.1.1", "2.1.0.0"}},
      {"param_inline_data_size", {{"0", "0"}, {"16", "16"}, {"65536", "65536"}}, {"8", "17", "65552", "64K"}},
      {"param_max_queue_size", {{"16", "16"}, {"1024", "1024"}}, {"15", "1025"}},
      {"param_mdts", {{"1", "1"}, {"8", "8"}, {"9", "9"}}, {"0", "10"}},
  };
}

std::vector<Row> identity_limits() {
  return {
      {"company_id",
       {{"0", "0x000000"}, {"0x001405", "0x001405"}, {"0xFFFFFF", "0xffffff"}},
       {"0x1000000", ""}},
      {"product_id", {{"p", "p"}, {"a disk of 16 by.", "a disk of 16 by."}}, {"", "a disk of 17 byte", "p "}},
      {"revision", {{"1", "1"}, {"12.4", "12.4"}}, {"", "12.45", " 1"}},
      {"vendor_id", {{"V", "V"}, {"of eight", "of eight"}}, {"", "of nine..", "a\n", "\xC3\xA4"}},
      {"vpd_unit_serial",
       {{"9B1DEB4D-3b7d-4bad-9bdd-2b0d7b3dcb6d", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"}},
       {"", "1", "00000000-0000-0000-0000-000000000000"}},
  };
}

template <class Object>
void expect_limits(std::span<const AttributeRow<Object>> rows, const std::vector<Row>& limits) {
  ASSERT_EQ(limits.size(), rows.size());
  for (const Row& row : limits) {
    const auto* attribute = find_attribute(rows, row.name);
    ASSERT_NE(attribute, nullptr) << row.name;
    for (const auto& [written, shown] : row.accepted) {
      Object settings;
      const auto stored = attribute->store(settings, written);
      ASSERT_TRUE(stored) << row.name << " " << written << ": " << stored.error().message;
      EXPECT_EQ(attribute->show(settings), shown);
      Object again;
      ASSERT_TRUE(attribute->store(again, shown)) << row.name << " " << shown;
      EXPECT_EQ(attribute->show(again), shown);
    }
    for (const auto& value : row.refused) {
      Object settings;
      const std::string before = attribute->show(settings);
      const auto stored = attribute->store(settings, value);
      ASSERT_FALSE(stored) << row.name << " " << value;
      EXPECT_EQ(stored.error().code, EINVAL);
      EXPECT_TRUE(stored.error().message.starts_with("\"" + value + "\" must ")) << stored.error().message;
      EXPECT_EQ(attribute->show(settings), before) << "a refused value changes nothing";
    }
  }
}

TEST(SubsystemAttributes, EachRowTakesItsLimitsAndNothingBeyond) {
  expect_limits(subsystem_attributes(), limits());
}

TEST(DeviceIdentityAttributes, EachRowTakesItsLimitsAndNothingBeyond) {
  expect_limits(device_identity_attributes(), identity_limits());
}

template <class Object>
void expect_sorted_and_explained(std::span<const AttributeRow<Object>> rows) {
  EXPECT_TRUE(std::ranges::is_sorted(rows, {}, [](const auto& row) { return row.name; }));
  for (const auto& row : rows) {
    EXPECT_FALSE(row.help.empty()) << row.name;
    EXPECT_EQ(row.help.find('\n'), std::string_view::npos) << row.name;
  }
}

TEST(Attributes, AreSortedAndExplained) {
  expect_sorted_and_explained(subsystem_attributes());
  expect_sorted_and_explained(device_identity_attributes());
}

TEST(SubsystemAttributes, TheControllerIdsStayInOrder) {
  const auto* low = find_attribute(subsystem_attributes(), "attr_cntlid_min");
  const auto* high = find_attribute(subsystem_attributes(), "attr_cntlid_max");
  SubsystemSettings settings;
  ASSERT_TRUE(high->store(settings, "100"));
  const auto above = low->store(settings, "101");
  ASSERT_FALSE(above);
  EXPECT_NE(above.error().message.find("must not be above attr_cntlid_max, which is 100"), std::string::npos);
  ASSERT_TRUE(low->store(settings, "100"));
  const auto below = high->store(settings, "99");
  ASSERT_FALSE(below);
  EXPECT_NE(below.error().message.find("must not be below attr_cntlid_min, which is 100"), std::string::npos);
}

}  // namespace
}  // namespace weft::config
