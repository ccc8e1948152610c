#include "config/device_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "config/names.h"
#include "target/identity.h"

namespace weft::config {

namespace {

constexpr std::string_view kCore = "core/";
constexpr std::size_t kMostPathBytes = 4095;  // PATH_MAX

std::string path_of(const Device& device) {
  const auto control = device.entry().control;
  const auto path = control.find(device.plugin().path_key);
  return path == control.end() ? std::string() : path->second;
}

}  // namespace

std::string own_device_name(std::string_view nqn, Nsid nsid, std::string_view path) {
  const Uuid hash = target::namespace_uuid({}, fmt::format("{}\n{}", nqn, path), nsid);
  return fmt::format("nvmet-{}-{}", nsid.value(), hex_text(hash.bytes.data(), hash.bytes.size()));
}

bool is_own_device(const Device& device, std::string_view nqn, Nsid nsid) {
  if (device.plugin().path_kind == block::PathKind::none) return false;
  const std::string& name = device.name();
  return name.substr(name.find('/') + 1) == own_device_name(nqn, nsid, path_of(device));
}

std::string device_path_of(const Device& device, std::string_view nqn, Nsid nsid) {
  return is_own_device(device, nqn, nsid) ? path_of(device) : fmt::format("{}{}", kCore, device.name());
}

std::optional<std::string> named_device(std::string_view device_path) {
  if (device_path.starts_with('/')) return std::nullopt;
  const auto name = linked_device(fmt::format("target/{}", device_path));
  return name ? std::optional(*name) : std::nullopt;
}

Result<> check_device_path(std::string_view device_path) {
  const bool is_path = device_path.starts_with('/') && device_path.size() <= kMostPathBytes &&
                       std::ranges::none_of(device_path, [](char c) { return c == '\n' || c == '\0'; });
  if (is_path || named_device(device_path)) return {};
  return fail(EINVAL, fmt::format("\"{}\" must be the absolute path of a file or block device, or "
                                  "core/PLUGIN_N/DEVICE",
                                  device_path));
}

}  // namespace weft::config
