#include "cli/tenant_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/daemon_client.h"
#include "cli/export_spec.h"

namespace weft::cli {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view kCore = "target/core/";

class Steps {
 public:
  void mkdir(const std::string& path, bool may_exist = false) {
    ordered_json step = {{"op", "mkdir"}, {"path", path}};
    if (may_exist) step["may_exist"] = true;
    steps.push_back(std::move(step));
  }
  void remove(const char* op, const std::string& path) { steps.push_back({{"op", op}, {"path", path}}); }
  void set(const std::string& path, const std::string& value) {
    steps.push_back({{"op", "set"}, {"path", path}, {"value", value}});
  }
  void link(const std::string& path, const std::string& target) {
    steps.push_back({{"op", "ln"}, {"path", path}, {"target", relative_target(path, target)}});
  }

  ordered_json steps = ordered_json::array();
};

// A RAM disk is nobody else's: its name says whose it is.  What is a file has the file's name, and so cannot
// be opened twice.
std::string device_name(const Export& made, const std::string& nqn, std::size_t place) {
  const auto kind = std::ranges::find_if(export_kinds(), [&](const ExportKind& each) {
    return made.what.starts_with(std::string(each.name) + ":");
  });
  if (kind != export_kinds().end() && kind->is_path) return made.device;
  const std::string adapter = made.device.substr(0, made.device.find('/'));
  constexpr std::size_t kLongest = 180;
  const std::string owner = nqn.size() > kLongest ? name_hash(nqn) : nqn;
  return fmt::format("{}/{}-{}", adapter, owner, place);
}

Result<std::string> add_backend(Steps& steps, const std::string& spec, const std::string& nqn,
                                std::size_t place) {
  if (tree_path(spec).starts_with(kCore)) return tree_path(spec);
  const auto made = parse_export(spec, place);
  if (!made) return std::unexpected(made.error());
  std::string path = std::string(kCore) + device_name(*made, nqn, place);
  steps.mkdir(path.substr(0, path.rfind('/')), true);
  steps.mkdir(path);
  for (const auto& [key, value] : made->entry.control) {
    if (value.find_first_of(",\n") != std::string::npos)
      return fail(EINVAL, fmt::format("backend \"{}\": a comma cannot stand in {}", spec, key));
    steps.set(path + "/control", fmt::format("{}={}", key, value));
  }
  steps.set(path + "/enable", "1");
  return path;
}

}  // namespace

Result<ordered_json> creation(const TenantOptions& options) {
  Steps steps;
  std::vector<std::string> devices;
  for (const auto& spec : options.backends) {
    auto device = add_backend(steps, spec, options.nqn, devices.size() + 1);
    if (!device) return std::unexpected(std::move(device.error()));
    devices.push_back(std::move(*device));
  }
  const std::string path = subsystem_path(options.nqn);
  steps.mkdir(path);
  if (options.any_host) steps.set(path + "/attr_allow_any_host", "1");
  for (const auto& host : options.hosts) steps.mkdir(path + "/hosts/" + host);
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const std::string directory = fmt::format("{}/namespaces/{}", path, i + 1);
    steps.mkdir(directory);
    steps.link(directory + devices[i].substr(devices[i].rfind('/')), devices[i]);
  }
  // Last: a host that comes too early and meets a half may never come back.
  for (const auto& port : options.ports) {
    steps.mkdir(path + "/ports/" + port);
    steps.set(path + "/ports/" + port + "/enable", "1");
  }
  return std::move(steps.steps);
}

const ordered_json* find_entry(const ordered_json& shown, std::string_view name) {
  if (!shown.contains("entries")) return nullptr;
  const auto& entries = shown["entries"];
  const auto found =
      std::ranges::find_if(entries, [&](const ordered_json& each) { return each.value("name", "") == name; });
  return found == entries.end() ? nullptr : &*found;
}

std::string device_path(const std::string& target) {
  const std::size_t at = target.rfind(kCore);
  return at == std::string::npos ? "" : tree_path(target.substr(at));
}

Removal removal(const std::string& nqn, const ordered_json& shown) {
  Removal all;
  Steps steps;
  const std::string path = subsystem_path(nqn);
  // Hosts see an end, and not one thing after the other vanish: ports first.
  for (const char* const group : {"ports", "hosts", "namespaces"}) {
    const auto* const found = find_entry(shown, group);
    if (found == nullptr || !found->contains("entries")) continue;
    for (const auto& entry : (*found)["entries"]) {
      const std::string directory = path + "/" + group + "/" + entry.value("name", "");
      for (const auto& each : entry.value("entries", ordered_json::array())) {
        if (each.value("kind", "") != "link") continue;
        steps.remove("rm", directory + "/" + each.value("name", ""));
        const std::string device = device_path(each.value("target", ""));
        if (!device.empty() && std::ranges::find(all.devices, device) == all.devices.end())
          all.devices.push_back(device);
      }
      steps.remove("rmdir", directory);
    }
  }
  steps.remove("rmdir", path);
  all.steps = std::move(steps.steps);
  return all;
}

}  // namespace weft::cli
