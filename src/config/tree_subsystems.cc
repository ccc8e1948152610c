// nvmet/subsystems: the multi-tenant layout.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "config/answers.h"
#include "config/attributes.h"
#include "config/model_tree.h"

namespace weft::config {

namespace {

class TenantFolder : public Directory {
 public:
  TenantFolder(Model& model, std::shared_ptr<Tenant> tenant) : model_(model), tenant_(std::move(tenant)) {}

 protected:
  Model& model_;
  const std::shared_ptr<Tenant> tenant_;
};

class HostsDirectory final : public TenantFolder {
 public:
  using TenantFolder::TenantFolder;
  std::unique_ptr<Node> find(std::string_view name) const override {
    const auto hosts = tenant_->subsystem()->hosts();
    if (std::ranges::find(hosts, name) == hosts.end()) return nullptr;
    return host_directory();
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (auto& host : tenant_->subsystem()->hosts()) all.push_back({std::move(host), NodeKind::directory});
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override { answer(tenant_->add_host(name)); }
  void remove_directory(const std::string& name, Answer answer) override {
    answer_when_done(std::move(answer),
                     [&](target::Done done) { return tenant_->remove_host(name, std::move(done)); });
  }

 protected:
  bool takes_names() const override { return true; }
};

// What hosts see, where nothing was written.
NamespaceEntry with_identity(const Tenant& tenant, Nsid nsid, NamespaceEntry entry) {
  const auto snapshot = tenant.subsystem()->snapshot();
  if (const target::NamespaceInfo* const live = snapshot->find(nsid)) {
    entry.uuid = live->uuid;
    entry.nguid = live->nguid;
  }
  return entry;
}

class NamespaceDirectory final : public TenantFolder {
 public:
  NamespaceDirectory(Model& model, std::shared_ptr<Tenant> tenant, Nsid nsid, Tenant::NamespaceView view)
      : TenantFolder(model, std::move(tenant)), nsid_(nsid), view_(std::move(view)) {}
  std::shared_ptr<LastError> last_error() const override { return view_.last_error; }

  std::unique_ptr<Node> find(std::string_view name) const override {
    if (view_.device != nullptr && view_.link.name == name)
      return std::make_unique<LinkNode>(view_.link.target);
    return Directory::find(name);
  }
  std::vector<NodeEntry> list() const override {
    auto all = Directory::list();
    if (view_.device != nullptr) all.push_back({view_.link.name, NodeKind::link});
    std::ranges::sort(all, {}, &NodeEntry::name);
    return all;
  }
  void make_link(const std::string& name, const std::string& target, Answer answer) override {
    const auto device_name = linked_device(target);
    if (!device_name) return answer(std::unexpected(device_name.error()));
    const auto device = model_.find_device(*device_name);
    if (device == nullptr)
      return answer(fail(ENOENT, fmt::format("device target/core/{}: there is none", *device_name)));
    answer(tenant_->link(nsid_, {.name = name, .target = target}, device));
  }
  void remove_link(const std::string& /*name*/, Answer answer) override {
    answer_when_done(std::move(answer),
                     [&](target::Done done) { return tenant_->unlink(nsid_, std::move(done)); });
  }

 protected:
  bool takes_names() const override { return true; }
  std::vector<Attribute> attributes() const override {
    auto all = namespace_attribute_nodes(tenant_, nsid_, view_.entry);
    all.push_back(last_error_attribute(view_.last_error));
    all.push_back(not_supported("resv_enable", "0", "reservations are not there yet"));
    all.push_back(
        {"revalidate_size", nullptr, store_now([device = view_.device](std::string_view) -> Result<> {
           if (device == nullptr) return fail(ENODEV, "there is no link to a device");
           device->refresh();
           return {};
         })});
    all.push_back({"size",
                   [device = view_.device]() -> std::string {
                     const auto backend = device == nullptr ? nullptr : device->backend();
                     if (backend == nullptr) return "0";
                     const block::Geometry geometry = backend->geometry();
                     return fmt::to_string(geometry.blocks * geometry.block_bytes);
                   },
                   nullptr});
    return all;
  }

 private:
  const Nsid nsid_;
  const Tenant::NamespaceView view_;
};

class NamespacesDirectory final : public TenantFolder {
 public:
  using TenantFolder::TenantFolder;
  std::unique_ptr<Node> find(std::string_view name) const override {
    const auto nsid = parse_nsid(name);
    if (!nsid) return nullptr;
    auto its = tenant_->find_namespace(*nsid);
    if (!its || its->directory != name) return nullptr;
    return std::make_unique<NamespaceDirectory>(model_, tenant_, *nsid, std::move(*its));
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (auto& [nsid, view] : tenant_->namespaces())
      all.push_back({std::move(view.directory), NodeKind::directory});
    std::ranges::sort(all, {}, &NodeEntry::name);
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override {
    const auto nsid = parse_nsid(name);
    answer(nsid ? tenant_->make_namespace(*nsid, name) : std::unexpected(nsid.error()));
  }
  void remove_directory(const std::string& name, Answer answer) override {
    const auto nsid = parse_nsid(name);
    if (!nsid) return answer(std::unexpected(nsid.error()));
    if (const auto its = tenant_->find_namespace(*nsid); its && its->device != nullptr)
      return answer(fail(ENOTEMPTY, fmt::format("it shows {}: remove the link {} first", its->device->path(),
                                                its->link.name)));
    answer_when_done(std::move(answer),
                     [&](target::Done done) { return tenant_->remove_namespace(*nsid, std::move(done)); });
  }

 protected:
  bool takes_names() const override { return true; }
};

class SubsystemDirectory final : public TenantFolder {
 public:
  using TenantFolder::TenantFolder;
  std::shared_ptr<LastError> last_error() const override { return tenant_->last_error(); }

 protected:
  std::vector<Attribute> attributes() const override {
    auto all = subsystem_attribute_nodes(tenant_);
    all.push_back(last_error_attribute(tenant_->last_error()));
    return all;
  }
  std::vector<Child> children() const override {
    Model& model = model_;
    const auto tenant = tenant_;
    return {{"controllers",
             [&model, tenant] { return controllers_directory(model.parts().state, tenant->subsystem()); }},
            {"hosts", [&model, tenant] { return std::make_unique<HostsDirectory>(model, tenant); }},
            {"namespaces", [&model, tenant] { return std::make_unique<NamespacesDirectory>(model, tenant); }},
            {"ports", [&model, tenant] { return ports_directory(model, tenant->ports(), tenant); }}};
  }
};

class SubsystemsDirectory final : public Directory {
 public:
  explicit SubsystemsDirectory(Model& model) : model_(model) {}

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
  // Replies as soon as the name is free: others wait for this directory.
  void remove_directory(const std::string& name, Answer answer) override {
    const auto tenant = model_.find_subsystem(name);
    if (tenant == nullptr) return answer(fail(ENOENT, "there is none"));
    const std::size_t hosts = tenant->subsystem()->hosts().size();
    const std::size_t namespaces = tenant->namespaces().size();
    const std::size_t ports = tenant->ports().entries().size();
    if (hosts + namespaces + ports > 0)
      return answer(
          fail(ENOTEMPTY, fmt::format("it has {} hosts, {} namespaces and {} ports: remove them first", hosts,
                                      namespaces, ports)));
    answer(model_.remove_subsystem(name, [] {}));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  Model& model_;
};

}  // namespace

std::vector<Attribute> subsystem_attribute_nodes(const std::shared_ptr<Tenant>& tenant) {
  std::vector<Attribute> all;
  for (const auto& row : subsystem_attributes())
    all.push_back({std::string(row.name),
                   [tenant, &row] { return row.show(tenant->subsystem()->settings()); },
                   store_now([tenant, &row](std::string_view value) -> Result<> {
                     if (row.mutability == Mutability::locked && tenant->subsystem()->is_identified())
                       return fail(EINVAL, fmt::format("\"{}\": a host has identified the subsystem already, "
                                                       "and would take it for another",
                                                       value));
                     return tenant->change_settings(
                         [&](target::SubsystemSettings& settings) { return row.store(settings, value); });
                   })});
  all.push_back(not_supported("attr_pi_enable", "0", "protection information is not there yet"));
  return all;
}

std::vector<Attribute> namespace_attribute_nodes(const std::shared_ptr<Tenant>& tenant, Nsid nsid,
                                                 const NamespaceEntry& entry) {
  std::vector<Attribute> all;
  for (const auto& row : namespace_attributes()) {
    auto store = [tenant, nsid, &row](std::string_view value, Answer answer) {
      answer_when_done(std::move(answer), [&](target::Done done) {
        return tenant->change_namespace(
            nsid, row.mutability, [&](NamespaceEntry& its) { return row.store(its, value); },
            std::move(done));
      });
    };
    all.push_back({std::string(row.name),
                   [tenant, nsid, entry, &row] { return row.show(with_identity(*tenant, nsid, entry)); },
                   std::move(store)});
  }
  return all;
}

std::unique_ptr<Node> host_directory() {
  const std::string reason = "authentication is not there yet";
  return std::make_unique<FixedDirectory>(
      std::vector<Directory::Child>(),
      std::vector<Attribute>{
          not_supported("dhchap_ctrl_key", "", reason), not_supported("dhchap_dhgroup", "null", reason),
          not_supported("dhchap_hash", "hmac(sha256)", reason), not_supported("dhchap_key", "", reason)});
}

std::unique_ptr<Node> subsystems_directory(Model& model) {
  return std::make_unique<SubsystemsDirectory>(model);
}

}  // namespace weft::config
