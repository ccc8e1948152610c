#include "wire/nqn.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace weft::wire {
namespace {

TEST(Nqn, Flaws) {
  const struct {
    std::string nqn;
    NqnFlaw want;
  } rows[] = {
      {"nqn.2024-01.test:lh", NqnFlaw::none},
      {std::string(kDiscoveryNqn), NqnFlaw::none},
      {"testnqn", NqnFlaw::none},
      {"x", NqnFlaw::none},
      {"nqn.2024-01.test:\xC3\xA9", NqnFlaw::none},
      {std::string(223, 'a'), NqnFlaw::none},
      {std::string(224, 'a'), NqnFlaw::too_long},
      {"", NqnFlaw::empty},
      {"a\tb", NqnFlaw::control_character},
      {"a\x7F", NqnFlaw::control_character},
      {std::string("a\0b", 3), NqnFlaw::control_character},
      {"a\x80", NqnFlaw::not_utf8},
  };
  for (const auto& row : rows) EXPECT_EQ(nqn_flaw(row.nqn), row.want) << row.nqn;
}

TEST(Nqn, Forms) {
  const struct {
    std::string_view nqn;
    NqnForm want;
  } rows[] = {
      {"nqn.2014-08.org.nvmexpress.discovery", NqnForm::date},
      {"nqn.2024-01.test:lh", NqnForm::date},
      {"nqn.2016-06.io.spdk:cnode1", NqnForm::date},
      {"nqn.2014-08.org.nvmexpress:uuid:2d3b6c9e-1b1a-4e6e-9d5c-0123456789ab", NqnForm::uuid},
      {"nqn.2014-08.org.nvmexpress:uuid:2D3B6C9E-1B1A-4E6E-9D5C-0123456789AB", NqnForm::uuid},
      {"nqn.2014-08.org.nvmexpress:uuid:2d3b6c9e-1b1a-4e6e-9d5c-0123456789a", NqnForm::other},
      {"nqn.2014-08.org.nvmexpress:uuid:2d3b6c9e-1b1a-4e6e-9d5c_0123456789ab", NqnForm::other},
      {"nqn.2014-13.org", NqnForm::other},
      {"nqn.2014-00.org", NqnForm::other},
      {"nqn.2014-1.org", NqnForm::other},
      {"nqn.2014-08.", NqnForm::other},
      {"nqn.2014-08.:x", NqnForm::other},
      {"nqn.", NqnForm::other},
      {"testnqn", NqnForm::other},
      {"", NqnForm::other},
  };
  for (const auto& row : rows) EXPECT_EQ(nqn_form(row.nqn), row.want) << row.nqn;
}

TEST(Nqn, Utf8) {
  for (const std::string_view good : {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                      "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_valid_utf8(good)) << good.size();
  for (const std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\x80", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"})
    EXPECT_FALSE(is_valid_utf8(bad)) << testing::PrintToString(std::string(bad));
}

TEST(TextField, Padded) {
  std::array<char, 8> field{};
  write_padded(field, "1.2");
  EXPECT_EQ(std::string_view(field.data(), 8), "1.2     ");
  EXPECT_EQ(read_padded(field), "1.2");
  write_padded(field, "0123456789");
  EXPECT_EQ(std::string_view(field.data(), 8), "01234567");
  write_padded(field, "a\n\xC3z");
  EXPECT_EQ(read_padded(field), "a??z");
  write_padded(field, "");
  EXPECT_EQ(read_padded(field), "");
}

TEST(TextField, Terminated) {
  std::array<char, 8> field{};
  field.fill('#');
  write_terminated(field, "abc");
  EXPECT_EQ(read_terminated(field), "abc");
  EXPECT_EQ(field[7], '\0');
  write_terminated(field, "0123456789");
  EXPECT_EQ(read_terminated(field), "0123456");
  field.fill('#');
  EXPECT_EQ(read_terminated(field), std::nullopt);
  EXPECT_EQ(read_terminated(std::span<const char>()), std::nullopt);
}

}  // namespace
}  // namespace weft::wire
