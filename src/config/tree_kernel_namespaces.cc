// kernel/nvmet/subsystems/<nqn>/namespaces/<nsid>/.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "config/attributes.h"
#include "config/device_path.h"
#include "config/kernel_namespace.h"
#include "config/model_tree.h"
#include "config/values.h"

namespace weft::config {

namespace {

constexpr std::string_view kNoGuid = "00000000-0000-0000-0000-000000000000";

class NamespaceDirectory final : public Directory {
 public:
  NamespaceDirectory(Model& model, std::shared_ptr<Tenant> tenant, Nsid nsid, Tenant::NamespaceView view)
      : model_(model), tenant_(std::move(tenant)), nsid_(nsid), view_(std::move(view)) {}
  std::shared_ptr<LastError> last_error() const override { return view_.last_error; }
  std::string row() const override { return tenant_->row(view_.directory); }

 protected:
  std::vector<Attribute> attributes() const override {
    std::vector<Attribute> all = {
        buffered_io(),
        device_path(),
        enable(),
        last_error_attribute(view_.last_error),
        unless_enabled(not_supported("resv_enable", "0", "reservations are not there yet")),
        revalidate_size()};
    // Linux has no read-only namespaces.
    for (auto& each : namespace_attribute_nodes(tenant_, nsid_, view_.entry)) {
      if (each.name == "readonly") continue;
      if (each.name != "ana_grpid") complete_guid(each);
      all.push_back(std::move(each));
    }
    return all;
  }

 private:
  bool is_enabled() const { return view_.device != nullptr; }

  Attribute unless_enabled(Attribute attribute, int error = EINVAL) const {
    if (!is_enabled()) return attribute;
    attribute.store = store_now([error](std::string_view value) -> Result<> {
      return fail(
          error,
          fmt::format("\"{}\": it cannot change while the namespace is enabled: write 0 to enable first",
                      value));
    });
    return attribute;
  }

  // Linux shows zeroes where there is none, and takes no value while it is enabled, not even the same one.
  void complete_guid(Attribute& attribute) const {
    attribute.show = [show = std::move(attribute.show)]() -> Result<std::string> {
      auto value = show();
      return value && value->empty() ? Result<std::string>(kNoGuid) : value;
    };
    attribute = unless_enabled(std::move(attribute), EBUSY);
  }

  Attribute buffered_io() const {
    return unless_enabled({"buffered_io",
                           [on = view_.backing.buffered_io]() -> std::string { return on ? "1" : "0"; },
                           store_now([tenant = tenant_, nsid = nsid_](std::string_view value) -> Result<> {
                             const auto on = read_flag(value);
                             if (!on) return std::unexpected(on.error());
                             return tenant->change_backing(nsid, [&](Tenant::Backing& backing) -> Result<> {
                               backing.buffered_io = *on;
                               return {};
                             });
                           })});
  }

  Attribute device_path() const {
    return {"device_path", [path = view_.backing.device_path] { return path; },
            store_now([tenant = tenant_, nsid = nsid_](std::string_view value) -> Result<> {
              if (auto checked = check_device_path(value); !checked) return checked;
              return tenant->change_backing(nsid, [&](Tenant::Backing& backing) -> Result<> {
                backing.device_path = value;
                return {};
              });
            })};
  }

  Attribute enable() const {
    return {"enable", [on = is_enabled()]() -> std::string { return on ? "1" : "0"; },
            [&model = model_, tenant = tenant_, nsid = nsid_](std::string_view value, Answer answer) {
              const auto on = read_flag(value);
              if (!on) return answer(std::unexpected(on.error()));
              if (*on)
                enable_namespace(model, tenant, nsid, std::move(answer));
              else
                disable_namespace(*tenant, nsid, std::move(answer));
            }};
  }

  Attribute revalidate_size() const {
    return {"revalidate_size", nullptr,
            store_now([device = view_.device](std::string_view value) -> Result<> {
              const auto on = read_flag(value);
              if (!on || !*on) return fail(EINVAL, fmt::format("\"{}\": only 1 can be written", value));
              if (device == nullptr)
                return fail(EINVAL, "the namespace is not enabled: write 1 to enable first");
              device->refresh();
              return {};
            })};
  }

  Model& model_;
  const std::shared_ptr<Tenant> tenant_;
  const Nsid nsid_;
  const Tenant::NamespaceView view_;
};

// Here a namespace is its number alone.
Result<Nsid> parse_number_name(std::string_view name) {
  if (name.starts_with("ns_")) return fail(EINVAL, fmt::format("\"{}\" must be a number", name));
  return parse_nsid(name);
}

class NamespacesDirectory final : public Directory {
 public:
  NamespacesDirectory(Model& model, std::shared_ptr<Tenant> tenant)
      : model_(model), tenant_(std::move(tenant)) {}

  std::unique_ptr<Node> find(std::string_view name) const override {
    const auto nsid = parse_number_name(name);
    if (!nsid) return nullptr;
    auto its = tenant_->find_namespace(*nsid);
    return its ? std::make_unique<NamespaceDirectory>(model_, tenant_, *nsid, std::move(*its)) : nullptr;
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (const auto& [nsid, view] : tenant_->namespaces())
      all.push_back({fmt::to_string(nsid.value()), NodeKind::directory});
    std::ranges::sort(all, {}, &NodeEntry::name);
    return all;
  }
  // With identities as in Linux: a random UUID and no NGUID.
  void make_directory(const std::string& name, Answer answer) override {
    const auto nsid = parse_number_name(name);
    if (!nsid) return answer(std::unexpected(nsid.error()));
    if (auto made = tenant_->make_namespace(*nsid, name); !made) return answer(std::move(made));
    const auto set = [](NamespaceEntry& entry) -> Result<> {
      entry.uuid = StateStore::random_uuid();
      entry.nguid = target::Nguid{};
      return {};
    };
    answer(tenant_->change_namespace(*nsid, Mutability::locked, set, nullptr));
  }
  void remove_directory(const std::string& name, Answer answer) override {
    const auto nsid = parse_number_name(name);
    answer(nsid ? remove_kernel_namespace(model_, *tenant_, *nsid) : std::unexpected(nsid.error()));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  Model& model_;
  const std::shared_ptr<Tenant> tenant_;
};

}  // namespace

std::unique_ptr<Node> kernel_namespaces_directory(Model& model, std::shared_ptr<Tenant> tenant) {
  return std::make_unique<NamespacesDirectory>(model, std::move(tenant));
}

}  // namespace weft::config
