#include "config/referrals.h"

#include <fmt/format.h>

#include <cerrno>

#include "config/document_rows.h"

namespace weft::config {

namespace {

std::string row(const std::string& name) {
  return row_path({"nvmet", "discovery", "referrals", name});
}

}  // namespace

Result<> Referrals::set(const std::string& name, const ReferralEntry& entry) {
  const std::scoped_lock lock(mutex_);
  if (const auto present = entries_.find(name); present != entries_.end()) {
    if (present->second == entry) return {};
    if (auto hidden = hide(name, present->second); !hidden) return hidden;
    entries_.erase(present);
    store_.erase(row(name));
  }
  if (auto shown = show(name, entry); !shown) return shown;
  entries_.emplace(name, entry);
  store_.put(row(name), row_value(entry));
  return {};
}

Result<> Referrals::remove(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  const auto present = entries_.find(name);
  if (present == entries_.end()) return fail(ENOENT, fmt::format("referral {}: there is none", name));
  if (auto hidden = hide(name, present->second); !hidden) return hidden;
  entries_.erase(present);
  store_.erase(row(name));
  return {};
}

Result<> Referrals::show(const std::string& name, const ReferralEntry& entry) {
  if (!entry.enable) return {};
  return target_.add_referral(
      {.name = name,
       .trtype = wire::TransportType::tcp,
       .adrfam = entry.adrfam == "ipv6" ? wire::AddressFamily::ipv6 : wire::AddressFamily::ipv4,
       .traddr = entry.traddr,
       .trsvcid = entry.trsvcid,
       .portid = PortId()});
}

Result<> Referrals::hide(const std::string& name, const ReferralEntry& entry) {
  return entry.enable ? target_.remove_referral(name) : Result<>();
}

std::map<std::string, ReferralEntry> Referrals::entries() const {
  const std::scoped_lock lock(mutex_);
  return entries_;
}

}  // namespace weft::config
