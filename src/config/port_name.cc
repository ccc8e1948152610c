#include "config/port_name.h"

#include <fmt/format.h>

#include <cerrno>

namespace weft::config {

namespace {

constexpr std::size_t kMaxTraddr = 256;  // fields of the discovery log
constexpr std::size_t kMaxTrsvcid = 32;

bool is_plain(std::string_view text, std::size_t most) {
  if (text.empty() || text.size() > most) return false;
  for (const char c : text)
    if (c <= ' ' || c > '~' || c == '[' || c == ']' || c == '/') return false;
  return true;
}

}  // namespace

std::string address_text(std::string_view traddr, std::string_view trsvcid) {
  const bool brackets = traddr.find(':') != std::string_view::npos;
  return brackets ? fmt::format("[{}]:{}", traddr, trsvcid) : fmt::format("{}:{}", traddr, trsvcid);
}

Result<HostAndService> parse_address(std::string_view text) {
  const auto refuse = [text] {
    return fail(
        EINVAL,
        fmt::format("\"{}\" must be ADDRESS:SERVICE, like 192.0.2.1:4420 or [2001:db8::1]:4420", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const std::string_view service = text.substr(colon + 1);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  if (!is_plain(host, kMaxTraddr) || !is_plain(service, kMaxTrsvcid)) return refuse();
  if (brackets != (host.find(':') != std::string_view::npos)) return refuse();
  return HostAndService{std::string(host), std::string(service)};
}

std::string PortName::text() const {
  if (trsvcid.empty()) return traddr.empty() ? trtype : fmt::format("{}:{}", trtype, traddr);
  return fmt::format("{}:{}", trtype, address_text(traddr, trsvcid));
}

Result<PortName> PortName::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view type = text.substr(0, colon);
  if (text == "loop") return PortName{"loop", "", ""};
  if (type == "pcie" && colon != std::string_view::npos) {
    if (const auto name = text.substr(colon + 1); is_plain(name, kMaxTraddr) && name.find(':') == name.npos)
      return PortName{"pcie", std::string(name), ""};
    return fail(EINVAL, fmt::format("\"{}\" must be pcie:NAME", text));
  }
  if (colon == std::string_view::npos || !is_plain(type, 16))
    return fail(EINVAL, fmt::format("\"{}\" must be TRTYPE:ADDRESS:SERVICE, like tcp:192.0.2.1:4420", text));
  auto address = parse_address(text.substr(colon + 1));
  if (!address) return std::unexpected(std::move(address.error()));
  return PortName{std::string(type), std::move(address->traddr), std::move(address->trsvcid)};
}

}  // namespace weft::config
