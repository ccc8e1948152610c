// kernel/nvmet/ports/<id>/.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "config/attributes.h"
#include "config/model_tree.h"
#include "config/values.h"

namespace weft::config {

namespace {

class PortSubsystemsDirectory final : public Directory {
 public:
  PortSubsystemsDirectory(KernelPorts& ports, PortId id) : ports_(ports), id_(id) {}
  NodeInfo info() const override {
    NodeInfo info = Directory::info();
    info.changed = ports_.links_changed(id_);
    return info;
  }

  std::unique_ptr<Node> find(std::string_view name) const override {
    auto target = ports_.link_target(id_, std::string(name));
    return target ? std::make_unique<LinkNode>(std::move(*target)) : nullptr;
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (auto& nqn : ports_.links(id_)) all.push_back({std::move(nqn), NodeKind::link});
    return all;
  }
  void make_link(const std::string& name, const std::string& target, Answer answer) override {
    const auto nqn = linked_name(target, "subsystems");
    if (!nqn) return answer(std::unexpected(nqn.error()));
    if (*nqn != name)
      return answer(
          fail(EINVAL, fmt::format("\"{}\": the link must be named as the subsystem, {}", target, *nqn)));
    ports_.link(id_, name, target, std::move(answer));
  }
  void remove_link(const std::string& name, Answer answer) override { answer(ports_.unlink(id_, name)); }

 protected:
  bool takes_names() const override { return true; }

 private:
  KernelPorts& ports_;
  const PortId id_;
};

class AnaGroupDirectory final : public Directory {
 public:
  AnaGroupDirectory(KernelPorts& ports, PortId id, AnaGroupId group)
      : ports_(ports), id_(id), group_(group) {}

 protected:
  std::vector<Attribute> attributes() const override {
    std::vector<Attribute> all;
    for (const auto& row : ana_group_attributes())
      all.push_back(
          {std::string(row.name),
           [&ports = ports_, id = id_, group = group_, &row]() -> Result<std::string> {
             const auto state = ports.ana_state(id, group);
             if (!state) return std::unexpected(state.error());
             return *state ? row.show(**state) : std::string();
           },
           [&ports = ports_, id = id_, group = group_, &row](std::string_view value, Answer answer) {
             wire::AnaState state{};
             if (auto stored = row.store(state, value); !stored) return answer(std::move(stored));
             ports.set_ana_state(id, group, state, std::move(answer));
           }});
    return all;
  }

 private:
  KernelPorts& ports_;
  const PortId id_;
  const AnaGroupId group_;
};

class AnaGroupsDirectory final : public Directory {
 public:
  AnaGroupsDirectory(KernelPorts& ports, PortId id) : ports_(ports), id_(id) {}

  std::unique_ptr<Node> find(std::string_view name) const override {
    const auto port = ports_.find(id_);
    const auto group = read_ana_group_name(name);
    if (!port || !group || !port->ana_groups.contains(*group)) return nullptr;
    return std::make_unique<AnaGroupDirectory>(ports_, id_, *group);
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    if (const auto port = ports_.find(id_))
      for (const auto& [group, state] : port->ana_groups)
        all.push_back({fmt::to_string(group.value()), NodeKind::directory});
    std::ranges::sort(all, {}, &NodeEntry::name);
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override {
    const auto group = read_ana_group_name(name);
    answer(group ? ports_.make_ana_group(id_, *group) : std::unexpected(group.error()));
  }
  void remove_directory(const std::string& name, Answer answer) override {
    const auto group = read_ana_group_name(name);
    answer(group ? ports_.remove_ana_group(id_, *group) : std::unexpected(group.error()));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  KernelPorts& ports_;
  const PortId id_;
};

class PortDirectory final : public Directory {
 public:
  PortDirectory(Model& model, PortId id, KernelPortEntry entry)
      : model_(model), ports_(model.kernel_ports()), id_(id), entry_(std::move(entry)) {}
  std::shared_ptr<LastError> last_error() const override { return ports_.last_error(id_); }
  std::string row() const override { return ports_.row(id_); }

 protected:
  std::vector<Attribute> attributes() const override {
    const std::string no_tls = "TLS is not there yet";
    std::vector<Attribute> all = {
        locked(not_supported("addr_treq", "not specified", no_tls)),
        locked(entry_.trtype == "rdma"
                   ? not_supported("addr_tsas", "connected", "datagrams are not there yet")
                   : not_supported("addr_tsas", "none", no_tls)),
        last_error_attribute(ports_.last_error(id_)),
        {"listen", [on = entry_.listen]() -> std::string { return on ? "1" : "0"; },
         [&ports = ports_, id = id_](std::string_view value, Answer answer) {
           const auto on = read_flag(value);
           if (!on) return answer(std::unexpected(on.error()));
           ports.set_listen(id, *on, std::move(answer));
         }},
        locked(not_supported("param_pi_enable", "0", "protection information is not there yet"))};
    for (const auto& row : kernel_port_attributes()) {
      auto store = [&ports = ports_, id = id_, &row](std::string_view value) {
        return ports.change(id, [&](KernelPortEntry& entry) { return row.store(entry, value); });
      };
      all.push_back(
          {std::string(row.name), [value = row.show(entry_)] { return value; }, store_now(std::move(store))});
    }
    return all;
  }
  std::vector<Child> children() const override {
    Model& model = model_;
    KernelPorts& ports = ports_;
    const PortId id = id_;
    return {{"ana_groups", [&ports, id] { return std::make_unique<AnaGroupsDirectory>(ports, id); }},
            {"referrals", [&model] { return referrals_directory(model); }},
            {"subsystems", [&ports, id] { return std::make_unique<PortSubsystemsDirectory>(ports, id); }}};
  }

 private:
  // What cannot change anyway obeys the rule of the others first.
  Attribute locked(Attribute attribute) const {
    attribute.store = [&ports = ports_, id = id_, store = std::move(attribute.store)](std::string_view value,
                                                                                      Answer answer) {
      if (auto free = ports.change(id, [](KernelPortEntry&) { return Result<>(); }); !free)
        return answer(std::move(free));
      store(value, std::move(answer));
    };
    return attribute;
  }

  Model& model_;
  KernelPorts& ports_;
  const PortId id_;
  const KernelPortEntry entry_;
};

class PortsDirectory final : public Directory {
 public:
  explicit PortsDirectory(Model& model) : model_(model) {}
  std::string row() const override { return "kernel/nvmet/ports"; }

  std::unique_ptr<Node> find(std::string_view name) const override {
    const auto id = read_port_id(name);
    if (!id) return nullptr;
    auto entry = model_.kernel_ports().find(*id);
    return entry ? std::make_unique<PortDirectory>(model_, *id, std::move(*entry)) : nullptr;
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (const PortId id : model_.kernel_ports().all())
      all.push_back({fmt::to_string(id.value()), NodeKind::directory});
    std::ranges::sort(all, {}, &NodeEntry::name);
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override {
    const auto id = read_port_id(name);
    answer(id ? model_.kernel_ports().make(*id) : std::unexpected(id.error()));
  }
  void remove_directory(const std::string& name, Answer answer) override {
    const auto id = read_port_id(name);
    answer(id ? model_.kernel_ports().remove(*id) : std::unexpected(id.error()));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  Model& model_;
};

}  // namespace

std::unique_ptr<Node> kernel_ports_directory(Model& model) {
  return std::make_unique<PortsDirectory>(model);
}

}  // namespace weft::config
