#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "config/nvmetcli_format.h"

namespace weft::config {

namespace {

using nlohmann::json;

// What goes while it is looked at is left out.
class Export {
 public:
  explicit Export(const Tree& tree) : tree_(tree) {}

  json whole() const {
    json root = {{"hosts", json::array()}, {"ports", json::array()}, {"subsystems", json::array()}};
    add_group(root, kRoot, "discovery");
    for (const auto& nqn : names(kRoot + "/hosts", NodeKind::directory))
      root["hosts"].push_back({{"nqn", nqn}});
    for (const auto& id : numbers(kRoot + "/ports")) root["ports"].push_back(port(id));
    for (const auto& nqn : names(kRoot + "/subsystems", NodeKind::directory))
      root["subsystems"].push_back(subsystem(nqn));
    return root;
  }

 private:
  inline static const std::string kRoot = "kernel/nvmet";

  std::vector<std::string> names(const std::string& path, NodeKind kind) const {
    std::vector<std::string> all;
    if (const auto entries = tree_.list(path))
      for (const auto& entry : *entries)
        if (entry.kind == kind) all.push_back(entry.name);
    return all;
  }

  std::vector<std::uint64_t> numbers(const std::string& path) const {
    std::vector<std::uint64_t> all;
    for (const auto& name : names(path, NodeKind::directory))
      if (const auto number = parse_number(name, 0, 0xFFFFFFFF)) all.push_back(*number);
    std::ranges::sort(all);
    return all;
  }

  // The attributes PREFIX_... that can be saved, without the prefix.
  void add_group(json& object, const std::string& path, const std::string& prefix) const {
    for (const auto& name : names(path, NodeKind::attribute)) {
      if (!name.starts_with(prefix + "_")) continue;
      const auto info = tree_.info(path + "/" + name);
      if (!info || !info->writable || !info->readable) continue;
      if (auto value = tree_.read(path + "/" + name))
        object[prefix][name.substr(prefix.size() + 1)] = std::move(*value);
    }
  }

  void add_number(json& object, const std::string& path, const std::string& name) const {
    const auto value = tree_.read(path + "/" + name);
    const auto number = value ? parse_number(*value, 0, 0xFFFFFFFF) : std::nullopt;
    if (number) object[name] = *number;
  }

  json port(std::uint64_t id) const {
    const std::string path = fmt::format("{}/ports/{}", kRoot, id);
    json object = {{"portid", id},
                   {"subsystems", names(path + "/subsystems", NodeKind::link)},
                   {"referrals", json::array()},
                   {"ana_groups", json::array()}};
    add_group(object, path, "addr");
    add_group(object, path, "param");
    for (const auto& name : names(path + "/referrals", NodeKind::directory)) {
      json referral = {{"name", name}};
      add_group(referral, path + "/referrals/" + name, "addr");
      add_number(referral, path + "/referrals/" + name, "enable");
      object["referrals"].push_back(std::move(referral));
    }
    for (const auto& group : numbers(path + "/ana_groups")) {
      json each = {{"grpid", group}};
      add_group(each, fmt::format("{}/ana_groups/{}", path, group), "ana");
      object["ana_groups"].push_back(std::move(each));
    }
    return object;
  }

  json subsystem(const std::string& nqn) const {
    const std::string path = kRoot + "/subsystems/" + nqn;
    json object = {{"nqn", nqn},
                   {"allowed_hosts", names(path + "/allowed_hosts", NodeKind::link)},
                   {"namespaces", json::array()}};
    add_group(object, path, "attr");
    for (const auto& nsid : numbers(path + "/namespaces")) {
      const std::string below = fmt::format("{}/namespaces/{}", path, nsid);
      json each = {{"nsid", nsid}};
      add_group(each, below, "device");
      add_number(each, below, "ana_grpid");
      add_number(each, below, "enable");
      object["namespaces"].push_back(std::move(each));
    }
    return object;
  }

  const Tree& tree_;
};

}  // namespace

Result<std::string> export_nvmetcli(const Tree& tree) {
  if (const auto info = tree.info("kernel/nvmet"); !info) return std::unexpected(info.error());
  // Paths of files need not be UTF-8, which JSON asks for.
  return Export(tree).whole().dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace weft::config
