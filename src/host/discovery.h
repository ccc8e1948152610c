// What a discovery controller knows (NVMe Base 2.1, section 5.1.12.3.1).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/session.h"
#include "wire/log_page.h"

namespace weft::host {

struct DiscoveryEntry {
  wire::TransportType trtype{};
  wire::AddressFamily adrfam{};
  wire::SubsystemType subtype{};
  std::uint8_t treq = 0;
  std::uint16_t portid = 0;
  std::uint16_t cntlid = 0;
  std::uint16_t asqsz = 0;
  std::uint16_t eflags = 0;
  std::string traddr;
  std::string trsvcid;
  std::string subnqn;
  wire::TcpSecurity security{};  // where trtype is tcp
  bool operator==(const DiscoveryEntry&) const = default;
};

struct DiscoveryLog {
  std::uint64_t generation = 0;
  std::vector<DiscoveryEntry> entries;
};

// One state of the log: it is read again when it changed meanwhile.  EPROTO for more entries than anybody
// has.
Result<DiscoveryLog> read_discovery_log(Session& session);

// The log, and those of the discovery services that it refers to, each asked once however often it is named.
// `read` connects to one of them; what cannot be read is told to `skipped`, and the rest goes on.
using ReadLog = std::function<Result<DiscoveryLog>(const DiscoveryEntry& referral)>;
std::vector<DiscoveryEntry> with_referrals(
    const DiscoveryLog& log, const ReadLog& read,
    const std::function<void(const DiscoveryEntry&, const Error&)>& skipped);

}  // namespace weft::host
