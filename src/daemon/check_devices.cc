#include "daemon/check_devices.h"

#include <fmt/format.h>

#include "config/device.h"
#include "daemon/plugins.h"

namespace weft::daemon {

namespace {

void check_keys(const block::Plugin& plugin, const config::DeviceEntry& entry, const std::string& path,
                std::vector<config::Problem>& problems) {
  for (const auto& [key, value] : entry.control)
    if (const auto known = config::check_control_key(plugin, key, value); !known)
      problems.push_back({path + "/control/" + key, known.error().message});
}

}  // namespace

std::vector<config::Problem> check_devices(const config::Document& document) {
  std::vector<config::Problem> problems;
  const auto plugins = known_plugins();
  for (const auto& [name, entry] : document.devices) {
    const std::string path = "target/core/" + name;
    const auto plugin = config::find_plugin(plugins, name.substr(0, name.find('/')));
    if (plugin)
      check_keys(**plugin, entry, path, problems);
    else
      problems.push_back({path, plugin.error().message});
  }
  for (const auto& [nqn, subsystem] : document.subsystems)
    for (const auto& [nsid, entry] : subsystem.namespaces)
      if (const auto device = document.devices.find(entry.device);
          !entry.device.empty() && (device == document.devices.end() || !device->second.enable))
        problems.push_back(
            {fmt::format("nvmet/subsystems/{}/namespaces/{}", nqn, nsid.value()),
             fmt::format("device \"target/core/{}\": there is none that is enabled", entry.device)});
  return problems;
}

}  // namespace weft::daemon
