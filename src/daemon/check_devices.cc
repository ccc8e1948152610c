#include "daemon/check_devices.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "daemon/plugins.h"

namespace weft::daemon {

namespace {

template <class Range>
std::string names_of(const Range& range) {
  std::vector<std::string_view> names;
  for (const auto& each : range) names.push_back(each.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string_view plugin_name(std::string_view device) {
  const std::string_view adapter = device.substr(0, device.find('/'));
  return adapter.substr(0, adapter.rfind('_'));
}

void check_keys(const block::Plugin& plugin, const config::DeviceEntry& entry, const std::string& path,
                std::vector<config::Problem>& problems) {
  for (const auto& [key, value] : entry.control)
    if (std::ranges::find(plugin.keys, key, &block::ControlKey::name) == plugin.keys.end())
      problems.push_back({path + "/control/" + key,
                          fmt::format("\"{}\": unknown key; known here: {}", value, names_of(plugin.keys))});
}

}  // namespace

std::vector<config::Problem> check_devices(const config::Document& document) {
  std::vector<config::Problem> problems;
  const auto plugins = known_plugins();
  for (const auto& [name, entry] : document.devices) {
    const std::string path = "target/core/" + name;
    const auto plugin = std::ranges::find(plugins, plugin_name(name), &block::Plugin::name);
    if (plugin == plugins.end())
      problems.push_back({path, fmt::format("there is no such plugin; known: {}", names_of(plugins))});
    else
      check_keys(*plugin, entry, path, problems);
  }
  for (const auto& [nqn, subsystem] : document.subsystems)
    for (const auto& [nsid, entry] : subsystem.namespaces)
      if (const auto device = document.devices.find(entry.device);
          device == document.devices.end() || !device->second.enable)
        problems.push_back(
            {fmt::format("nvmet/subsystems/{}/namespaces/{}", nqn, nsid.value()),
             fmt::format("device \"target/core/{}\": there is none that is enabled", entry.device)});
  return problems;
}

}  // namespace weft::daemon
