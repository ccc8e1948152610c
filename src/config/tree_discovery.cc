// nvmet/discovery: the ports of the discovery service, and referrals; its name, nvmet/discovery_nqn.
#include <algorithm>
#include <utility>

#include "config/attributes.h"
#include "config/model_tree.h"
#include "config/values.h"

namespace weft::config {

namespace {

class ReferralDirectory final : public Directory {
 public:
  ReferralDirectory(ReferralSet& referrals, std::string name, ReferralEntry entry)
      : referrals_(referrals), name_(std::move(name)), entry_(std::move(entry)) {}

 protected:
  std::vector<Attribute> attributes() const override {
    ReferralSet& set = referrals_;
    std::vector<Attribute> all = {{"enable", [on = entry_.enable]() -> std::string { return on ? "1" : "0"; },
                                   store_now([&set, name = name_](std::string_view value) -> Result<> {
                                     const auto on = read_flag(value);
                                     return on ? set.enable(name, *on) : std::unexpected(on.error());
                                   })}};
    for (const auto& row : referral_attributes()) {
      auto store = [&set, name = name_, &row](std::string_view value) {
        return set.change(name, [&](ReferralEntry& entry) { return row.store(entry, value); });
      };
      all.push_back(
          {std::string(row.name), [entry = entry_, &row] { return row.show(entry); }, store_now(store)});
    }
    return all;
  }

 private:
  ReferralSet& referrals_;
  const std::string name_;
  const ReferralEntry entry_;
};

class ReferralsDirectory final : public Directory {
 public:
  explicit ReferralsDirectory(ReferralSet& referrals) : referrals_(referrals) {}
  std::string row() const override { return "nvmet/discovery/referrals"; }

  std::unique_ptr<Node> find(std::string_view name) const override {
    auto entry = referrals_.find(name);
    if (!entry) return nullptr;
    return std::make_unique<ReferralDirectory>(referrals_, std::string(name), std::move(*entry));
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (const auto& [name, entry] : referrals_.entries()) all.push_back({name, NodeKind::directory});
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override { answer(referrals_.make(name)); }
  void remove_directory(const std::string& name, Answer answer) override { answer(referrals_.remove(name)); }

 protected:
  bool takes_names() const override { return true; }

 private:
  ReferralSet& referrals_;
};

}  // namespace

Attribute discovery_nqn_attribute(Model& model) {
  return {
      "discovery_nqn", [&model] { return model.parts().target.discovery_nqn(); },
      store_now([&model](std::string_view value) { return model.set_discovery_nqn(std::string(value)); })};
}

std::unique_ptr<Node> referrals_directory(Model& model) {
  return std::make_unique<ReferralsDirectory>(model.referrals());
}

std::unique_ptr<Node> discovery_directory(Model& model) {
  return std::make_unique<FixedDirectory>(std::vector<Directory::Child>{
      {"ports", [&model] { return ports_directory(model, model.discovery_ports(), nullptr); }},
      {"referrals", [&model] { return referrals_directory(model); }}});
}

}  // namespace weft::config
