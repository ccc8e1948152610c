#include "config/json_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/values.h"

namespace weft::config {

using nlohmann::json;

namespace {

std::string kind_of(const json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  if (value.is_null()) return "null";
  return value.dump();
}

}  // namespace

std::unexpected<Problem> problem(std::string path, std::string reason) {
  return std::unexpected(Problem{std::move(path), std::move(reason)});
}

Result<std::string> scalar_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return std::string(value.get<bool>() ? "1" : "0");
  if (value.is_number_unsigned()) return fmt::to_string(value.get<std::uint64_t>());
  return fail(EINVAL, fmt::format("is {}; it must be a string, or a number that is whole and not negative",
                                  kind_of(value)));
}

Parsed<void> read_object(const json& object, const std::string& path, const Fields& fields) {
  if (!object.is_object()) return problem(path, fmt::format("is {}; it must be an object", kind_of(object)));
  for (const auto& [key, value] : object.items()) {
    const std::string place = path.empty() ? key : path + "/" + key;
    const auto field = fields.find(key);
    if (field == fields.end()) {
      std::string known;
      for (const auto& [name, unused] : fields) known += (known.empty() ? "" : ", ") + name;
      return problem(place, fmt::format("unknown key; known here: {}", known.empty() ? "none" : known));
    }
    if (field->second.compound) {
      if (auto read = field->second.compound(value, place); !read) return read;
      continue;
    }
    auto text = scalar_text(value);
    if (!text) return problem(place, text.error().message);
    if (auto stored = field->second.scalar(*text); !stored) return problem(place, stored.error().message);
  }
  return {};
}

Parsed<void> for_each_member(const json& object, const std::string& path, const ReadMember& read) {
  if (!object.is_object()) return problem(path, fmt::format("is {}; it must be an object", kind_of(object)));
  for (const auto& [key, value] : object.items())
    if (auto done = read(key, value, path + "/" + key); !done) return done;
  return {};
}

StoreScalar store_flag(bool& into) {
  return [&into](std::string_view text) -> Result<> {
    const auto value = read_flag(text);
    if (!value) return std::unexpected(value.error());
    into = *value;
    return {};
  };
}

StoreScalar store_any(std::string& into) {
  return [&into](std::string_view text) -> Result<> {
    into = text;
    return {};
  };
}

StoreScalar store_one_of(std::string& into, std::vector<std::string_view> values) {
  return [&into, values = std::move(values)](std::string_view text) -> Result<> {
    for (const std::string_view each : values)
      if (each == text) {
        into = text;
        return {};
      }
    return fail(EINVAL, fmt::format("\"{}\" must be {}", text, fmt::join(values, " or ")));
  };
}

}  // namespace weft::config
