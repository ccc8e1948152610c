#include "cli/child.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace weft::cli {

namespace {

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::vector<std::string>& additions) {
  std::vector<std::string> all = additions;
  for (char** each = environ; *each != nullptr; ++each) {
    const auto same = [each](const auto& addition) { return name_of(addition) == name_of(*each); };
    if (std::ranges::none_of(additions, same)) all.emplace_back(*each);
  }
  return all;
}

}  // namespace

Result<pid_t> spawn(const std::vector<std::string>& command, const std::vector<std::string>& additions,
                    const sigset_t& mask) {
  posix_spawnattr_t attributes;
  if (const int error = ::posix_spawnattr_init(&attributes); error != 0)
    return fail_errno(error, command.front());
  sigset_t by_default;  // the target ignores it; what the command writes to may end
  ::sigemptyset(&by_default);
  ::sigaddset(&by_default, SIGPIPE);
  ::posix_spawnattr_setsigmask(&attributes, &mask);
  ::posix_spawnattr_setsigdefault(&attributes, &by_default);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const auto words = pointers_to(command);
  const auto variables = environment_with(additions);
  const auto environment = pointers_to(variables);
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, words.front(), nullptr, &attributes, words.data(), environment.data());
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno(error, command.front());
  return child;
}

int ended_with(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, WNOHANG) != child) return -1;
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : -1;
}

}  // namespace weft::cli
