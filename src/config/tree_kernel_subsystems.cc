// kernel/nvmet/subsystems/<nqn>/.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "config/document_rows.h"
#include "config/model_tree.h"

namespace weft::config {

namespace {

class AllowedHostsDirectory final : public Directory {
 public:
  AllowedHostsDirectory(Model& model, std::shared_ptr<Tenant> tenant)
      : model_(model), tenant_(std::move(tenant)) {}
  std::string row() const override { return subsystem_row(tenant_->nqn()) + "/hosts"; }

  std::unique_ptr<Node> find(std::string_view name) const override {
    const auto hosts = tenant_->subsystem()->hosts();
    const auto it = std::ranges::find(hosts, name);
    if (it == hosts.end()) return nullptr;
    const std::string written = tenant_->host_link(*it);
    return std::make_unique<LinkNode>(written.empty() ? "../../../hosts/" + *it : written);
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (auto& host : tenant_->subsystem()->hosts()) all.push_back({std::move(host), NodeKind::link});
    return all;
  }
  void make_link(const std::string& name, const std::string& target, Answer answer) override {
    const auto host = linked_name(target, "hosts");
    if (!host) return answer(std::unexpected(host.error()));
    if (*host != name)
      return answer(
          fail(EINVAL, fmt::format("\"{}\": the link must be named as the host, {}", target, *host)));
    if (!model_.hosts().contains(name))
      return answer(fail(ENOENT, fmt::format("host {}: there is none", name)));
    answer(tenant_->add_host(name, target));
  }
  // The host's controllers end behind the answer.
  void remove_link(const std::string& name, Answer answer) override {
    answer(tenant_->remove_host(name, [] {}));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  Model& model_;
  const std::shared_ptr<Tenant> tenant_;
};

std::unique_ptr<Node> passthru_directory() {
  const std::string reason = "Weft passes no commands through to other controllers";
  return std::make_unique<FixedDirectory>(
      std::vector<Directory::Child>(),
      std::vector<Attribute>{not_supported("admin_timeout", "0", reason),
                             not_supported("clear_ids", "0", reason),
                             not_supported("device_path", "", reason), not_supported("enable", "0", reason),
                             not_supported("io_timeout", "0", reason)});
}

class SubsystemDirectory final : public Directory {
 public:
  SubsystemDirectory(Model& model, std::shared_ptr<Tenant> tenant)
      : model_(model), tenant_(std::move(tenant)) {}
  std::shared_ptr<LastError> last_error() const override { return tenant_->last_error(); }

 protected:
  // Sizes belong to ports here.
  std::vector<Attribute> attributes() const override {
    auto all = subsystem_attribute_nodes(tenant_);
    std::erase_if(all, [](const Attribute& each) { return !each.name.starts_with("attr_"); });
    all.push_back(last_error_attribute(tenant_->last_error()));
    return all;
  }
  std::vector<Child> children() const override {
    Model& model = model_;
    const auto tenant = tenant_;
    return {{"allowed_hosts",
             [&model, tenant] { return std::make_unique<AllowedHostsDirectory>(model, tenant); }},
            {"namespaces", [&model, tenant] { return kernel_namespaces_directory(model, tenant); }},
            {"passthru", [] { return passthru_directory(); }}};
  }

 private:
  Model& model_;
  const std::shared_ptr<Tenant> tenant_;
};

class KernelSubsystemsDirectory final : public Directory {
 public:
  explicit KernelSubsystemsDirectory(Model& model) : model_(model) {}

  std::unique_ptr<Node> find(std::string_view name) const override {
    auto tenant = model_.find_subsystem(name);
    return tenant == nullptr ? nullptr : std::make_unique<SubsystemDirectory>(model_, std::move(tenant));
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (const auto& tenant : model_.subsystems()) all.push_back({tenant->nqn(), NodeKind::directory});
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override {
    const auto made = model_.make_subsystem(name);
    answer(made ? Result<>() : std::unexpected(made.error()));
  }
  void remove_directory(const std::string& name, Answer answer) override {
    const auto tenant = model_.find_subsystem(name);
    if (tenant == nullptr) return answer(fail(ENOENT, "there is none"));
    const std::size_t hosts = tenant->subsystem()->hosts().size();
    const std::size_t namespaces = tenant->namespaces().size();
    if (hosts + namespaces > 0)
      return answer(fail(
          ENOTEMPTY,
          fmt::format("it has {} allowed hosts and {} namespaces: remove them first", hosts, namespaces)));
    if (model_.kernel_ports().holds(name))
      return answer(fail(EBUSY, "a port that does not listen links it: remove that link first"));
    for (const auto& [port, entry] : tenant->ports().entries())
      if (entry.enable)
        return answer(fail(EBUSY, fmt::format("the port {} links it: remove that link first", port.text())));
    answer(model_.remove_subsystem(name, [] {}));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  Model& model_;
};

}  // namespace

std::unique_ptr<Node> kernel_subsystems_directory(Model& model) {
  return std::make_unique<KernelSubsystemsDirectory>(model);
}

}  // namespace weft::config
