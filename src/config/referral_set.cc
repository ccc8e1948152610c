#include "config/referral_set.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "config/address_words.h"
#include "config/document_rows.h"
#include "config/names.h"

namespace weft::config {

namespace {

std::string row(const std::string& name) {
  return row_path({"nvmet", "discovery", "referrals", name});
}

}  // namespace

Result<> check_referral(const ReferralEntry& entry) {
  if (entry.trtype.empty()) return fail(EINVAL, "there is no addr_trtype: write tcp or the like");
  const bool is_ip = entry.trtype == "tcp" || entry.trtype == "rdma";
  if (!is_ip) {
    if (!entry.traddr.empty() || entry.trtype == "loop") return {};
    return fail(EINVAL, "there is no addr_traddr: write where hosts find it");
  }
  if (auto whole = parse_address(address_text(entry.traddr, entry.trsvcid)); !whole)
    return fail(EINVAL, "addr_traddr and addr_trsvcid: " + whole.error().message);
  return {};
}

Result<> ReferralSet::make(const std::string& name) {
  if (auto checked = check_name(name); !checked) return checked;
  const std::scoped_lock lock(mutex_);
  ReferralEntry entry;
  entry.enable = false;
  if (!entries_.emplace(name, entry).second)
    return fail(EEXIST, fmt::format("referral {}: there is one already", name));
  store_.put(row(name), row_value(entry));
  return {};
}

Result<ReferralSet::Entries::iterator> ReferralSet::look_up(const std::string& name) {
  const auto it = entries_.find(name);
  if (it == entries_.end()) return fail(ENOENT, fmt::format("referral {}: there is none", name));
  return it;
}

Result<> ReferralSet::remove(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  const auto it = look_up(name);
  if (!it) return std::unexpected(it.error());
  if ((*it)->second.enable)
    if (auto removed = target_.remove_referral(name); !removed) return removed;
  entries_.erase(*it);
  store_.erase(row(name));
  return {};
}

Result<> ReferralSet::change(const std::string& name, const std::function<Result<>(ReferralEntry&)>& change) {
  const std::scoped_lock lock(mutex_);
  const auto it = look_up(name);
  if (!it) return std::unexpected(it.error());
  if ((*it)->second.enable)
    return fail(EACCES, "it cannot change while the referral is enabled: write 0 to enable first");
  auto changed = change((*it)->second);
  if (changed) store_.put(row(name), row_value((*it)->second));
  return changed;
}

Result<> ReferralSet::enable(const std::string& name, bool on) {
  const std::scoped_lock lock(mutex_);
  const auto it = look_up(name);
  if (!it) return std::unexpected(it.error());
  ReferralEntry& entry = (*it)->second;
  if (entry.enable == on) return {};
  if (!on) {
    entry.enable = false;
    store_.put(row(name), row_value(entry));
    return target_.remove_referral(name);
  }
  if (auto checked = check_referral(entry); !checked) return checked;
  auto added = target_.add_referral({.name = name,
                                     .trtype = trtype_code(entry.trtype),
                                     .adrfam = adrfam_code(entry.adrfam),
                                     .traddr = entry.traddr,
                                     .trsvcid = entry.trsvcid,
                                     .treq = treq_code(entry.treq),
                                     .portid = PortId(entry.portid)});
  entry.enable = added.has_value();
  if (added) store_.put(row(name), row_value(entry));
  return added;
}

std::optional<ReferralEntry> ReferralSet::find(std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(name);
  return it == entries_.end() ? std::nullopt : std::optional(it->second);
}

std::map<std::string, ReferralEntry> ReferralSet::entries() const {
  const std::scoped_lock lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

}  // namespace weft::config
