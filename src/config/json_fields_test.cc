#include "config/json_fields.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weft::config {
namespace {

using nlohmann::json;

TEST(JsonFields, ScalarsAsText) {
  const struct {
    const char* value;
    const char* text;  // null: refused
  } cases[] = {{"\"x\"", "x"},    {"\"\"", ""},     {"true", "1"},
               {"false", "0"},    {"0", "0"},       {"18446744073709551615", "18446744073709551615"},
               {"-1", nullptr},   {"1.5", nullptr}, {"1e3", nullptr},
               {"null", nullptr}, {"[]", nullptr},  {"{}", nullptr}};
  for (const auto& each : cases) {
    const auto text = scalar_text(json::parse(each.value));
    ASSERT_EQ(text.has_value(), each.text != nullptr) << each.value;
    if (text) {
      EXPECT_EQ(*text, each.text);
    } else {
      EXPECT_NE(text.error().message.find("it must be a string, or a number"), std::string::npos);
    }
  }
}

TEST(JsonFields, StopsAtTheFirstProblemAndNamesItsPath) {
  bool flag = false;
  std::string choice;
  const Fields fields{{"flag", {store_flag(flag), {}}}, {"kind", {store_one_of(choice, {"a", "b"}), {}}}};
  EXPECT_TRUE(read_object(json::parse(R"({"flag": 1, "kind": "b"})"), "at", fields));
  EXPECT_TRUE(flag);
  EXPECT_EQ(choice, "b");
  const auto wrong = read_object(json::parse(R"({"flag": 2, "kind": "c"})"), "at", fields);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text(), "at/flag: \"2\" must be 0 or 1");
  EXPECT_EQ(read_object(json::parse(R"({"kind": "c"})"), "at", fields).error().text(),
            "at/kind: \"c\" must be a or b");
  EXPECT_EQ(read_object(json::parse(R"({"king": "a"})"), "", fields).error().text(),
            "king: unknown key; known here: flag, kind");
}

TEST(JsonFields, MembersAreReadWithTheirPath) {
  std::string seen;
  const ReadMember read = [&seen](const std::string& key, const json& value,
                                  const std::string& path) -> Parsed<void> {
    seen += path + ";";
    if (value == 2) return problem(path, key + " is two");
    return {};
  };
  EXPECT_TRUE(for_each_member(json::parse(R"({"a": 1, "b": 1})"), "at", read));
  EXPECT_EQ(seen, "at/a;at/b;");
  EXPECT_EQ(for_each_member(json::parse(R"({"a": 2})"), "at", read).error().text(), "at/a: a is two");
  EXPECT_FALSE(for_each_member(json::parse("[1]"), "at", read));
}

}  // namespace
}  // namespace weft::config
