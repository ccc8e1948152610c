// Addresses for the names that people write.
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "client/remote.h"
#include "wire/nqn.h"

namespace weft::client {

namespace {

constexpr const char* kPort = "4420";
constexpr const char* kDiscoveryPort = "8009";
constexpr int kAnswerMs = 1000;  // for each address of a name that has several

struct FreeAddresses {
  void operator()(addrinfo* all) const { ::freeaddrinfo(all); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

bool answers(const addrinfo& address) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  int error = ::connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd wanted{.fd = fd, .events = POLLOUT};
    socklen_t bytes = sizeof error;
    if (::poll(&wanted, 1, kAnswerMs) != 1 || ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
      error = ETIMEDOUT;
  }
  ::close(fd);
  return error == 0;
}

// A machine may have an address that it does not listen on, or that does not lead to it from here:
// "localhost" is ::1 first.
const addrinfo* choose(const addrinfo* first) {
  if (first->ai_next == nullptr) return first;
  for (const addrinfo* each = first; each != nullptr; each = each->ai_next)
    if (answers(*each)) return each;
  return first;
}

Result<std::string> numeric_address(const std::string& host, const std::string& service) {
  const addrinfo hints{.ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found); error != 0)
    return fail(EHOSTUNREACH, fmt::format("{}: {}", host, ::gai_strerror(error)));
  const Addresses all(found);
  const addrinfo* const chosen = choose(all.get());
  char numeric[NI_MAXHOST];
  const int error =
      ::getnameinfo(chosen->ai_addr, chosen->ai_addrlen, numeric, sizeof numeric, nullptr, 0, NI_NUMERICHOST);
  if (error != 0) return fail(EHOSTUNREACH, fmt::format("{}: {}", host, ::gai_strerror(error)));
  return std::string(numeric);
}

}  // namespace

Result<std::vector<fabric::ListenOptions>> resolve(const RemoteName& name) {
  if (name.transport == "loop") return std::vector(1, fabric::ListenOptions{});
  const bool discovery = name.subnqn.empty() || name.subnqn == wire::kDiscoveryNqn;
  std::vector<fabric::ListenOptions> all;
  for (const RemoteHost& host : name.hosts) {
    const std::string service = !host.service.empty() ? host.service : discovery ? kDiscoveryPort : kPort;
    auto numeric = numeric_address(host.name, service);
    if (!numeric) return std::unexpected(numeric.error());
    all.push_back({std::move(*numeric), service});
  }
  return all;
}

}  // namespace weft::client
