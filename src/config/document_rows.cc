#include "config/document_rows.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "config/document_json.h"

namespace weft::config {

namespace {

using nlohmann::json;

void add_name(std::string& path, std::string_view name) {
  for (const char c : name) {
    if (c == '~')
      path += "~0";
    else if (c == '/')
      path += "~1";
    else
      path += c;
  }
}

std::vector<std::string> names_of(std::string_view path) {
  std::vector<std::string> names(1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '/')
      names.emplace_back();
    else if (path[i] == '~' && i + 1 < path.size())
      names.back() += path[++i] == '1' ? '/' : '~';
    else
      names.back() += path[i];
  }
  return names;
}

// Where objects stand: an adapter and its device, a subsystem and what it holds, the discovery service's own,
// and those of the kernel layout.
bool is_place(const std::vector<std::string>& names) {
  const auto is = [&names](std::size_t place, std::string_view name) { return names[place] == name; };
  if (names.size() == 1) return is(0, "nvmet");  // what it has of its own
  if (names.size() < 3 || names.size() > 6) return false;
  if (is(0, "kernel"))
    return is(1, "nvmet") && ((names.size() == 4 && (is(2, "hosts") || is(2, "ports"))) ||
                              (names.size() == 6 && is(2, "ports") && is(4, "subsystems")));
  if (is(0, "target")) return is(1, "core") && names.size() <= 4;
  if (!is(0, "nvmet")) return false;
  if (is(1, "discovery")) return names.size() == 4 && (is(2, "ports") || is(2, "referrals"));
  if (!is(1, "subsystems")) return false;
  return names.size() == 3 ||
         (names.size() == 5 && (is(3, "hosts") || is(3, "namespaces") || is(3, "ports")));
}

// What is wrong; empty when nothing is.
std::string add_row(json& root, std::string_view path, const std::string& text) {
  const json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return "what is kept of it is no JSON object";
  const auto names = names_of(path);
  if (!is_place(names)) return "no object has such a path";
  json* place = &root;
  for (const auto& name : names) {
    json& next = (*place)[name];
    if (!next.is_object() && !next.is_null()) return "an object above it has an attribute of its name";
    place = &next;
  }
  if (place->is_null()) *place = json::object();
  place->update(value);
  return {};
}

}  // namespace

std::string row_path(std::initializer_list<std::string_view> names) {
  std::string path;
  for (const auto name : names) {
    if (!path.empty()) path += '/';
    add_name(path, name);
  }
  return path;
}

std::string device_row(const std::string& device) {
  const auto [adapter, own] = split_device(device);
  return row_path({"target", "core", adapter, own});
}

std::string subsystem_row(const std::string& nqn) {
  return row_path({"nvmet", "subsystems", nqn});
}

template <class Object>
std::string row_value(const Object& object) {
  return to_json(object).dump(-1, ' ', false, json::error_handler_t::replace);
}
template std::string row_value(const DeviceEntry&);
template std::string row_value(const NamespaceEntry&);
template std::string row_value(const PortEntry&);
template std::string row_value(const ReferralEntry&);
template std::string row_value(const std::map<std::string, std::string>&);
template std::string row_value(const HostEntry&);
template std::string row_value(const KernelPortEntry&);
template std::string row_value(const KernelLink&);

ParsedDocument read_rows(const Rows& rows) {
  json root = {{"version", "1"}};
  std::vector<Problem> problems;
  for (const auto& [path, value] : rows)
    if (auto wrong = add_row(root, path, value); !wrong.empty()) problems.push_back({path, std::move(wrong)});
  ParsedDocument parsed;
  if (auto read = read_document(root))
    parsed = std::move(*read);
  else
    problems.push_back({"", std::move(read.error().message)});
  parsed.problems.insert(parsed.problems.begin(), problems.begin(), problems.end());
  return parsed;
}

}  // namespace weft::config
