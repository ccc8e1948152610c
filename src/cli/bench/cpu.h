// What a process has used of the processors.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace weft::cli::bench {

std::chrono::duration<double> own_cpu();
// Empty: there is no such process, or nobody may look.
std::optional<std::chrono::duration<double>> cpu_of(pid_t process);

// Who listens on a TCP address of this machine; empty when it is another's, or nobody may look.
std::optional<pid_t> listener_of(const std::string& traddr, std::uint16_t port);

}  // namespace weft::cli::bench
