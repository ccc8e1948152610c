#include "target/discovery/log.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "target/controller.h"
#include "target/port.h"
#include "target/queue.h"
#include "target/target.h"
#include "wire/nqn.h"

namespace weft::target {

namespace {

constexpr std::uint16_t kAdminQueueEntries = 32;

struct Place {
  wire::TransportType trtype;
  wire::AddressFamily adrfam;
  std::string traddr;
  std::string trsvcid;
};

bool is_any_address(const std::string& traddr) {
  return traddr == "0.0.0.0" || traddr == "::";
}

wire::AddressFamily family_of(const std::string& traddr, wire::AddressFamily otherwise) {
  const bool ip = otherwise == wire::AddressFamily::ipv4 || otherwise == wire::AddressFamily::ipv6;
  if (!ip) return otherwise;
  return traddr.find(':') != std::string::npos ? wire::AddressFamily::ipv6 : wire::AddressFamily::ipv4;
}

// Where the host finds the port; empty when it listens on any address and the host came by another family,
// so that none of its addresses is known.
std::optional<Place> place_of(const Port& port, Queue& queue) {
  const PortOptions& options = port.options();
  if (options.advertised) {
    const Advertised& advertised = *options.advertised;
    return Place{options.trtype, family_of(advertised.traddr, options.adrfam), advertised.traddr,
                 advertised.trsvcid};
  }
  if (!is_any_address(options.traddr))
    return Place{options.trtype, options.adrfam, options.traddr, options.trsvcid};
  const fabric::Path& path = queue.path();
  if (&port == &queue.port()) return Place{path.trtype, path.adrfam, path.traddr, path.trsvcid};
  if (path.trtype != options.trtype || path.adrfam != options.adrfam) return std::nullopt;
  return Place{options.trtype, options.adrfam, path.traddr, options.trsvcid};
}

wire::DiscoveryLogEntry make_entry(wire::SubsystemType type, const Place& place, PortId portid,
                                   std::string_view nqn) {
  wire::DiscoveryLogEntry entry{};
  entry.trtype = static_cast<std::uint8_t>(place.trtype);
  entry.adrfam = static_cast<std::uint8_t>(place.adrfam);
  entry.subtype = static_cast<std::uint8_t>(type);
  entry.treq = wire::kTreqNotSpecified | wire::kTreqSqflowDisable;
  entry.portid = portid.value();
  entry.cntlid = kDynamicController.value();
  entry.asqsz = kAdminQueueEntries;
  wire::write_padded(entry.trsvcid, place.trsvcid);
  wire::write_terminated(entry.subnqn, nqn);
  wire::write_padded(entry.traddr, place.traddr);
  return entry;
}

// Counts all entries and makes those of the part that was asked for: a host reads thousands in many commands.
class Log {
 public:
  Log(Queue& queue, std::uint64_t offset, std::uint64_t length)
      : queue_(queue),
        target_(queue.target()),
        controller_(queue.controller()),
        first_(offset < kHeaderBytes ? 0 : (offset - kHeaderBytes) / kEntryBytes),
        end_((offset + length) / kEntryBytes + 1),
        with_header_(offset < kHeaderBytes) {
    // Before anything is looked at: what changes meanwhile has a later generation.
    header_.genctr = target_.discovery_generation();
    add_itself();
    if (queue_.port().lists_all()) {
      for (const auto& port : target_.ports()) add_port(*port);
    } else {
      add_port(queue_.port());
    }
    for (const Referral& referral : target_.referrals()) add_referral(referral);
  }

  LogPage page() const {
    const auto header = wire::bytes_of(header_).first(with_header_ ? kHeaderBytes : 0);
    const auto entries = std::as_bytes(std::span(entries_));
    LogBytes bytes(header.size() + entries.size());
    const auto rest = std::ranges::copy(header, bytes.begin()).out;
    std::ranges::copy(entries, rest);
    const std::uint64_t begin = with_header_ ? 0 : kHeaderBytes + first_ * kEntryBytes;
    return {kHeaderBytes + header_.numrec * kEntryBytes, begin, std::move(bytes)};
  }

 private:
  static constexpr std::uint64_t kHeaderBytes = sizeof(wire::DiscoveryLogHeader);
  static constexpr std::uint64_t kEntryBytes = sizeof(wire::DiscoveryLogEntry);

  bool is_wanted() {
    const std::uint64_t index = header_.numrec;
    header_.numrec = index + 1;
    return index >= first_ && index < end_;
  }

  void add_itself() {
    if (!is_wanted()) return;
    const Port& port = queue_.port();
    const auto place = place_of(port, queue_);
    wire::DiscoveryLogEntry entry = make_entry(wire::SubsystemType::current_discovery, *place,
                                               port.options().id, target_.discovery_nqn());
    entry.eflags = wire::kEflagDuplicateReturned | wire::kEflagExplicitPersistent;
    entries_.push_back(entry);
  }

  void add_port(const Port& port) {
    const auto place = place_of(port, queue_);
    if (!place) return;
    for (const auto& subsystem : port.subsystems()) {
      if (subsystem->kind() != Subsystem::Kind::nvm || !subsystem->admits_host(controller_.host().nqn))
        continue;
      if (!is_wanted()) continue;
      entries_.push_back(make_entry(wire::SubsystemType::nvm, *place, port.options().id, subsystem->nqn()));
    }
  }

  void add_referral(const Referral& referral) {
    if (!is_wanted()) return;
    auto entry = make_entry(wire::SubsystemType::referral,
                            {referral.trtype, referral.adrfam, referral.traddr, referral.trsvcid},
                            referral.portid, wire::kDiscoveryNqn);
    entry.treq = referral.treq;
    entries_.push_back(entry);
  }

  Queue& queue_;
  Target& target_;
  Controller& controller_;
  const std::uint64_t first_;  // of the entries that are made
  const std::uint64_t end_;
  const bool with_header_;
  wire::DiscoveryLogHeader header_{};
  std::vector<wire::DiscoveryLogEntry> entries_;
};

}  // namespace

LogPage discovery_log(const LogRead& read) {
  return Log(read.request.queue, read.command.offset, read.command.length).page();
}

}  // namespace weft::target
