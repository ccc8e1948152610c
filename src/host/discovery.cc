#include "host/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <tuple>

#include "host/admin_requests.h"
#include "wire/nqn.h"

namespace weft::host {

namespace {

constexpr std::uint64_t kMostEntries = 65536;  // what a hostile target can make us hold: 64 MiB
constexpr unsigned kTries = 10;
constexpr std::size_t kMostServices = 64;  // of referrals that lead to referrals

DiscoveryEntry entry_of(const wire::DiscoveryLogEntry& raw) {
  return {.trtype = static_cast<wire::TransportType>(raw.trtype),
          .adrfam = static_cast<wire::AddressFamily>(raw.adrfam),
          .subtype = static_cast<wire::SubsystemType>(raw.subtype),
          .treq = raw.treq,
          .portid = raw.portid,
          .cntlid = raw.cntlid,
          .asqsz = raw.asqsz,
          .eflags = raw.eflags,
          .traddr = std::string(wire::read_padded(raw.traddr)),
          .trsvcid = std::string(wire::read_padded(raw.trsvcid)),
          .subnqn = std::string(wire::read_terminated(raw.subnqn).value_or("")),
          .security = static_cast<wire::TcpSecurity>(raw.tsas[0])};
}

Result<wire::DiscoveryLogHeader> read_header(Session& session) {
  const auto page = log_page(session, {.lid = static_cast<std::uint8_t>(wire::LogId::discovery),
                                       .nsid = Nsid(0),
                                       .bytes = sizeof(wire::DiscoveryLogHeader),
                                       .keeps_event = false});
  if (!page) return std::unexpected(page.error());
  return *wire::load<wire::DiscoveryLogHeader>(*page);
}

}  // namespace

Result<DiscoveryLog> read_discovery_log(Session& session) {
  for (unsigned tries = 0; tries < kTries; ++tries) {
    const auto before = read_header(session);
    if (!before) return std::unexpected(before.error());
    if (before->numrec > kMostEntries)
      return fail(EPROTO, fmt::format("the discovery log has {} entries; more than {} are not read",
                                      std::uint64_t{before->numrec}, kMostEntries));
    DiscoveryLog log{.generation = before->genctr};
    const auto page = log_page(session, {.lid = static_cast<std::uint8_t>(wire::LogId::discovery),
                                         .nsid = Nsid(0),
                                         .offset = sizeof(wire::DiscoveryLogHeader),
                                         .bytes = before->numrec * sizeof(wire::DiscoveryLogEntry)});
    if (!page) return std::unexpected(page.error());
    const auto after = read_header(session);
    if (!after) return std::unexpected(after.error());
    if (after->genctr != before->genctr) continue;
    for (std::size_t at = 0; at < page->size(); at += sizeof(wire::DiscoveryLogEntry))
      log.entries.push_back(entry_of(*wire::load<wire::DiscoveryLogEntry>(std::span(*page).subspan(at))));
    return log;
  }
  return fail(EAGAIN, "the discovery log changes faster than it can be read; try again");
}

std::vector<DiscoveryEntry> with_referrals(
    const DiscoveryLog& log, const ReadLog& read,
    const std::function<void(const DiscoveryEntry&, const Error&)>& skipped) {
  std::vector<DiscoveryEntry> all = log.entries;
  std::set<std::tuple<wire::TransportType, std::string, std::string>> asked;
  // What a referral leads to is appended, and looked at in its turn.
  for (std::size_t at = 0; at < all.size(); ++at) {
    const DiscoveryEntry one = all[at];
    if (one.subtype == wire::SubsystemType::current_discovery)
      asked.emplace(one.trtype, one.traddr, one.trsvcid);
    if (one.subtype != wire::SubsystemType::referral) continue;
    if (!asked.emplace(one.trtype, one.traddr, one.trsvcid).second) continue;
    if (asked.size() > kMostServices) {
      skipped(one, {E2BIG, fmt::format("more than {} discovery services", kMostServices)});
      continue;
    }
    const auto more = read(one);
    if (!more) {
      skipped(one, more.error());
      continue;
    }
    for (const DiscoveryEntry& each : more->entries)
      if (std::ranges::find(all, each) == all.end()) all.push_back(each);
  }
  return all;
}

}  // namespace weft::host
