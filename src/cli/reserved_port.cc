#include "cli/reserved_port.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "reactor/socket.h"

namespace weft::cli {

namespace {

using Family = net::Address::Family;

// Of an interface's address; false when it is of another family, of the loopback or of one link only.
bool usable(const ifaddrs& entry, Family family, net::Address& into) {
  if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_UP) == 0) return false;
  into = net::Address{};
  into.family = family;
  if (family == Family::ipv4 && entry.ifa_addr->sa_family == AF_INET)
    std::memcpy(into.bytes.data(), &reinterpret_cast<const sockaddr_in*>(entry.ifa_addr)->sin_addr, 4);
  else if (family == Family::ipv6 && entry.ifa_addr->sa_family == AF_INET6)
    std::memcpy(into.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr)->sin6_addr, 16);
  else
    return false;
  const bool link_local = into.bytes[0] == 0xFE && (into.bytes[1] & 0xC0) == 0x80;
  return !into.is_loopback() && !link_local;
}

}  // namespace

Result<ReservedPort> ReservedPort::take(const net::Address& address) {
  const int family = address.family == Family::ipv4 ? AF_INET : AF_INET6;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail_errno(errno, "listen " + address.text());
  ReservedPort port(fd, address);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  reactor::SystemAddress system = reactor::to_system(address);
  if (::bind(fd, system.get(), system.length) != 0 || ::getsockname(fd, system.get(), &system.length) != 0)
    return fail_errno(errno, "listen " + address.text());
  port.address_.port = reactor::from_system(system.storage).port;
  return port;
}

ReservedPort::~ReservedPort() {
  if (fd_ >= 0) ::close(fd_);
}

net::Address reachable_address(const net::Address& listener) {
  if (!listener.is_any()) return listener;
  net::Address found;
  bool any = false;
  if (ifaddrs* list = nullptr; ::getifaddrs(&list) == 0) {
    for (const ifaddrs* each = list; each != nullptr && !any; each = each->ifa_next)
      any = usable(*each, listener.family, found);
    ::freeifaddrs(list);
  }
  if (!any) {
    found = net::Address{};
    found.family = listener.family;
    if (listener.family == Family::ipv4)
      std::ranges::copy(std::array<std::uint8_t, 4>{127, 0, 0, 1}, found.bytes.begin());
    else
      found.bytes[15] = 1;
  }
  found.port = listener.port;
  return found;
}

}  // namespace weft::cli
