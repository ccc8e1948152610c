// What weft doctor looks at, each thing with what it found and what to do.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace weft::cli::doctor {

enum class State : std::uint8_t {
  good,
  none,     // not there, which is in order
  warning,  // it works, but not as well as it could
  bad,      // it does not work
};

struct Finding {
  std::string what;
  State state = State::good;
  std::string text;
};
using Findings = std::vector<Finding>;

// Sysctls and devices.  `root`: "/", or a copy of what stands below it.
Findings check_system(const std::filesystem::path& root);
// Whether a reactor starts: the kernel's release, io_uring, limits.
Findings check_reactor();
// The file in which weftd keeps its configuration, while no weftd has it.
Finding check_store(const std::string& file);
// A configuration file, without opening what it names.
Findings check_configuration(const std::string& file);
// What GET /v1/status of a running weftd says.
Findings check_weftd(const nlohmann::ordered_json& status);

}  // namespace weft::cli::doctor
