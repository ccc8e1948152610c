// Other discovery services that hosts are told of: nvmet/discovery/referrals/<name>.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "config/document.h"
#include "config/store.h"
#include "target/target.h"

namespace weft::config {

// Any thread but a loop's.
class Referrals {
 public:
  Referrals(target::Target& target, Store& store) : target_(target), store_(store) {}
  Referrals(const Referrals&) = delete;
  Referrals& operator=(const Referrals&) = delete;

  Result<> set(const std::string& name, const ReferralEntry& entry);  // a new one, or in place of the old
  Result<> remove(const std::string& name);                           // ENOENT
  std::map<std::string, ReferralEntry> entries() const;

 private:
  // The mutex is held.
  Result<> show(const std::string& name, const ReferralEntry& entry);
  Result<> hide(const std::string& name, const ReferralEntry& entry);

  target::Target& target_;
  Store& store_;
  mutable std::mutex mutex_;
  std::map<std::string, ReferralEntry> entries_;
};

}  // namespace weft::config
