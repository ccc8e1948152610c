// What makes a tenant and what takes it down, as the steps of a batch.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::cli {

struct TenantOptions {
  std::string nqn;
  std::vector<std::string> backends;  // see export_spec.h; or target/core/PLUGIN_N/DEVICE, which is there
  std::vector<std::string> ports;     // tcp:ADDR:PORT
  std::vector<std::string> hosts;
  bool any_host = false;
};

// EINVAL: a word is wrong; another errno: what is named cannot be had.
Result<nlohmann::ordered_json> creation(const TenantOptions& options);

// Of the subsystem as GET shows it with its entries: steps, and the devices that its links name.
struct Removal {
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  std::vector<std::string> devices;  // target/core/PLUGIN_N/DEVICE, each once
};
Removal removal(const std::string& nqn, const nlohmann::ordered_json& shown);

inline std::string subsystem_path(const std::string& nqn) {
  return "nvmet/subsystems/" + nqn;
}
// "target/core/PLUGIN_N/DEVICE" of what a link says.
std::string device_path(const std::string& target);
// The directory of that name in what GET shows; null: there is none.
const nlohmann::ordered_json* find_entry(const nlohmann::ordered_json& shown, std::string_view name);

}  // namespace weft::cli
