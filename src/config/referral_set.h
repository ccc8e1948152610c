// Other discovery services that hosts are told of: nvmet/discovery/referrals/<name>/, and the same below each
// port of the kernel layout.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/document.h"
#include "config/store.h"
#include "target/target.h"

namespace weft::config {

// EINVAL: what it says is no address that a host could go to.
Result<> check_referral(const ReferralEntry& entry);

// Any thread but a loop's.
class ReferralSet {
 public:
  ReferralSet(target::Target& target, Store& store) : target_(target), store_(store) {}  // which outlive it
  ReferralSet(const ReferralSet&) = delete;
  ReferralSet& operator=(const ReferralSet&) = delete;

  Result<> make(const std::string& name);    // EEXIST, EINVAL; not enabled
  Result<> remove(const std::string& name);  // ENOENT
  // Of what is not its being enabled.  EACCES while it is.
  Result<> change(const std::string& name, const std::function<Result<>(ReferralEntry&)>& change);
  Result<> enable(const std::string& name, bool on);  // EINVAL: see check_referral

  std::optional<ReferralEntry> find(std::string_view name) const;
  std::map<std::string, ReferralEntry> entries() const;

 private:
  using Entries = std::map<std::string, ReferralEntry, std::less<>>;
  Result<Entries::iterator> look_up(const std::string& name);  // the mutex is held

  target::Target& target_;
  Store& store_;
  mutable std::mutex mutex_;
  Entries entries_;
};

}  // namespace weft::config
