// Reading JSON objects whose keys are known, for the configuration document.  Errors name the path, the value
// and the rule.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace weft::config {

template <class T>
using Parsed = std::expected<T, Problem>;

using StoreScalar = std::function<Result<>(std::string_view)>;  // takes the scalar as text
using ReadCompound = std::function<Parsed<void>(const nlohmann::json&, const std::string& path)>;
struct Field {  // one of the two
  StoreScalar scalar;
  ReadCompound compound;
};
using Fields = std::map<std::string, Field, std::less<>>;
using ReadMember =
    std::function<Parsed<void>(const std::string& key, const nlohmann::json&, const std::string& path)>;

std::unexpected<Problem> problem(std::string path, std::string reason);

// A string, a whole number or a truth value, as text: people write 1, "1" and true for the same.
Result<std::string> scalar_text(const nlohmann::json& value);

// Stops at the first problem; a key that is not among the fields is one.
Parsed<void> read_object(const nlohmann::json& object, const std::string& path, const Fields& fields);
Parsed<void> for_each_member(const nlohmann::json& object, const std::string& path, const ReadMember& read);

// Stores for usual kinds of values; `into` outlives what they return.
StoreScalar store_flag(bool& into);
StoreScalar store_any(std::string& into);
StoreScalar store_one_of(std::string& into, std::vector<std::string_view> values);

}  // namespace weft::config
