#include "daemon/configuration_file.h"

#include "config/state_store.h"
#include "daemon/check_devices.h"
#include "daemon/read_file.h"

namespace weft::daemon {

Result<config::ParsedDocument> read_configuration(const std::string& path) {
  auto text = read_file(path);
  if (!text) return std::unexpected(std::move(text.error()));
  auto parsed = config::parse_document(*text);
  if (!parsed) return fail(parsed.error().code, path + ": " + parsed.error().message);
  return parsed;
}

std::vector<config::Problem> problems_of(const config::ParsedDocument& parsed) {
  auto problems = parsed.problems;
  for (auto& problem : check_devices(parsed.document)) problems.push_back(std::move(problem));
  return problems;
}

std::string default_store(const std::string& state_dir) {
  const std::string directory = state_dir.empty() ? config::StateStore::default_directory() : state_dir;
  return directory.empty() ? directory : directory + "/config.db";
}

}  // namespace weft::daemon
