// What structures of the specification say, as names and values for people and programs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/admin_requests.h"
#include "host/session.h"

namespace weft::cli {

// One line or one member each, under the specification's abbreviation in lower case.
using Fields = nlohmann::ordered_json;

void print_fields(const Fields& fields, bool json);

Fields controller_fields(const host::Session& session, const std::vector<Nsid>& namespaces);
Fields namespace_fields(const host::NamespaceInfo& info);

struct LogChoice {
  std::uint8_t lid = 0;
  std::uint64_t bytes = 0;  // what is asked for when nobody says
};
Result<LogChoice> find_log(std::string_view name);
void print_log(std::uint8_t lid, std::span<const std::byte> page, bool json);

Result<std::uint8_t> find_feature(std::string_view name);
std::size_t feature_bytes(std::uint8_t fid);  // of its data; 0: none
Fields feature_fields(std::uint8_t fid, std::uint32_t value, std::span<const std::byte> data);

}  // namespace weft::cli
