#include "daemon/runtime_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace weft::daemon {

Result<std::string> find_runtime_directory() {
  const auto variable = [](const char* name) -> std::string {
    const char* const value = ::secure_getenv(name);
    return value == nullptr ? "" : value;
  };
  // systemd gives a list where a service has several.
  const std::string given = variable("RUNTIME_DIRECTORY");
  if (!given.empty()) return given.substr(0, given.find(':'));
  if (::geteuid() == 0) return "/run/weft";
  if (const std::string base = variable("XDG_RUNTIME_DIR"); !base.empty()) return base + "/weft";
  return fail(ENOENT, "there is no runtime directory: set XDG_RUNTIME_DIR, or name a --socket");
}

Result<std::string> make_runtime_directory() {
  auto directory = find_runtime_directory();
  if (!directory) return directory;
  if (::mkdir(directory->c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(errno, *directory + ": cannot make the runtime directory");
  return directory;
}

}  // namespace weft::daemon
