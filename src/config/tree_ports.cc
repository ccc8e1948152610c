// ports/<trtype>:<traddr>:<trsvcid>/ of a subsystem or of the discovery service.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "config/answers.h"
#include "config/attributes.h"
#include "config/model_tree.h"
#include "config/values.h"

namespace weft::config {

namespace {

// The ports of one owner: a tenant, which it keeps alive, or the discovery service, which lives as long as
// the model.
struct Ports {
  Workshop& workshop;
  PortSet& set;
  std::shared_ptr<Tenant> owner;

  using Change = std::function<Result<>(PortSet&, target::Done)>;
  // Listeners open and close on a thread that may wait for them.
  void change_behind(Change work, Answer answer) const {
    workshop.workers.run([its = *this, work = std::move(work), answer = std::move(answer)]() mutable {
      its.change(work, std::move(answer));
    });
  }
  void change(const Change& work, Answer answer) const {
    answer_when_done(std::move(answer), [&](target::Done done) { return work(set, std::move(done)); });
  }
};

class AnaGroupDirectory final : public Directory {
 public:
  AnaGroupDirectory(Ports ports, PortName name, AnaGroupId id, wire::AnaState state)
      : ports_(std::move(ports)), name_(std::move(name)), id_(id), state_(state) {}

 protected:
  std::vector<Attribute> attributes() const override {
    std::vector<Attribute> all;
    for (const auto& row : ana_group_attributes()) {
      auto store = [ports = ports_, name = name_, id = id_, &row](std::string_view value, Answer answer) {
        const auto change = [&row, value](wire::AnaState& state) { return row.store(state, value); };
        ports.change(
            [&](PortSet& set, target::Done done) {
              return set.change_ana_group(name, id, change, std::move(done));
            },
            std::move(answer));
      };
      all.push_back({std::string(row.name), [state = state_, &row] { return row.show(state); }, store});
    }
    return all;
  }

 private:
  const Ports ports_;
  const PortName name_;
  const AnaGroupId id_;
  const wire::AnaState state_;
};

class AnaGroupsDirectory final : public Directory {
 public:
  AnaGroupsDirectory(Ports ports, PortName name) : ports_(std::move(ports)), name_(std::move(name)) {}

  std::unique_ptr<Node> find(std::string_view name) const override {
    const auto entry = ports_.set.find(name_);
    const auto id = read_ana_group_name(name);
    if (!entry || !id || !entry->ana_groups.contains(*id)) return nullptr;
    return std::make_unique<AnaGroupDirectory>(ports_, name_, *id, entry->ana_groups.at(*id));
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    if (const auto entry = ports_.set.find(name_))
      for (const auto& [id, state] : entry->ana_groups)
        all.push_back({fmt::to_string(id.value()), NodeKind::directory});
    std::ranges::sort(all, {}, &NodeEntry::name);
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override {
    const auto id = read_ana_group_name(name);
    answer(id ? ports_.set.make_ana_group(name_, *id) : std::unexpected(id.error()));
  }
  void remove_directory(const std::string& name, Answer answer) override {
    const auto id = read_ana_group_name(name);
    if (!id) return answer(std::unexpected(id.error()));
    ports_.change(
        [&](PortSet& set, target::Done done) { return set.remove_ana_group(name_, *id, std::move(done)); },
        std::move(answer));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  const Ports ports_;
  const PortName name_;
};

class PortDirectory final : public Directory {
 public:
  PortDirectory(Model& model, Ports ports, PortName name, PortEntry entry,
                std::shared_ptr<LastError> last_error)
      : model_(model),
        ports_(std::move(ports)),
        name_(std::move(name)),
        entry_(std::move(entry)),
        last_error_(std::move(last_error)) {}
  std::shared_ptr<LastError> last_error() const override { return last_error_; }

 protected:
  std::vector<Attribute> attributes() const override {
    const std::string no_tls = "TLS is not there yet";
    std::vector<Attribute> all = {
        constant("addr_adrfam", family()),
        constant("addr_traddr", name_.traddr),
        not_supported("addr_treq", "not specified", no_tls),
        constant("addr_trsvcid", name_.trsvcid),
        constant("addr_trtype", name_.trtype),
        not_supported("addr_tsas", "none", no_tls),
        {"enable", [enabled = entry_.enable]() -> std::string { return enabled ? "1" : "0"; },
         [&model = model_, ports = ports_, name = name_](std::string_view value, Answer answer) {
           enable(model, ports, name, value, std::move(answer));
         }},
        last_error_attribute(last_error_)};
    for (const auto& row : port_attributes()) {
      auto store = [ports = ports_, name = name_, &row](std::string_view value) {
        return ports.set.change(name, [&](PortEntry& entry) { return row.store(entry, value); });
      };
      all.push_back(
          {std::string(row.name), [entry = entry_, &row] { return row.show(entry); }, store_now(store)});
    }
    return all;
  }
  std::vector<Child> children() const override {
    if (ports_.owner == nullptr) return {};  // the discovery service has no namespaces
    return {{"ana_groups",
             [ports = ports_, name = name_] { return std::make_unique<AnaGroupsDirectory>(ports, name); }}};
  }

 private:
  std::string family() const {
    if (name_.trtype == "loop" || name_.trtype == "pcie") return name_.trtype == "loop" ? "loop" : "pci";
    return name_.traddr.find(':') == std::string::npos ? "ipv4" : "ipv6";
  }
  static Attribute constant(std::string name, std::string value) {
    return {std::move(name), [value = std::move(value)] { return value; }, nullptr};
  }

  static void enable(Model& model, const Ports& ports, const PortName& name, std::string_view value,
                     Answer answer) {
    const auto on = read_flag(value);
    if (!on) return answer(std::unexpected(on.error()));
    if (!*on && ports.owner != nullptr) model.kernel_ports().forget_open_link(name, ports.owner->nqn());
    ports.change_behind(
        [on = *on, name](PortSet& set, target::Done done) {
          if (!on) return set.disable(name, std::move(done));
          auto enabled = set.enable(name);
          if (enabled) done();
          return enabled;
        },
        std::move(answer));
  }

  Model& model_;
  const Ports ports_;
  const PortName name_;
  const PortEntry entry_;
  const std::shared_ptr<LastError> last_error_;
};

class PortsDirectory final : public Directory {
 public:
  PortsDirectory(Model& model, Ports ports) : model_(model), ports_(std::move(ports)) {}

  std::unique_ptr<Node> find(std::string_view name) const override {
    auto parsed = PortName::parse(name);
    if (!parsed || parsed->text() != name) return nullptr;
    auto entry = ports_.set.find(*parsed);
    auto last_error = ports_.set.last_error(*parsed);
    if (!entry || last_error == nullptr) return nullptr;
    return std::make_unique<PortDirectory>(model_, ports_, std::move(*parsed), std::move(*entry),
                                           std::move(last_error));
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (const auto& [name, entry] : ports_.set.entries()) all.push_back({name.text(), NodeKind::directory});
    std::ranges::sort(all, {}, &NodeEntry::name);
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override {
    const auto parsed = PortName::parse(name);
    answer(parsed ? ports_.set.make(*parsed) : std::unexpected(parsed.error()));
  }
  void remove_directory(const std::string& name, Answer answer) override {
    auto parsed = PortName::parse(name);
    if (!parsed) return answer(std::unexpected(parsed.error()));
    if (ports_.owner != nullptr) model_.kernel_ports().forget_link(*parsed, ports_.owner->nqn());
    ports_.change_behind([port = std::move(*parsed)](
                             PortSet& set, target::Done done) { return set.remove(port, std::move(done)); },
                         std::move(answer));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  Model& model_;
  const Ports ports_;
};

}  // namespace

std::unique_ptr<Node> ports_directory(Model& model, PortSet& ports, std::shared_ptr<Tenant> owner) {
  return std::make_unique<PortsDirectory>(model, Ports{*model.workshop(), ports, std::move(owner)});
}

}  // namespace weft::config
