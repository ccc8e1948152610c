#include "config/kernel_ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/reached.h"
#include "config/attributes.h"
#include "config/model.h"

namespace weft::config {

namespace {

std::unexpected<Error> none(PortId id) {
  return fail(ENOENT, fmt::format("port {}: there is none", id.value()));
}

KernelPortEntry entry_of(const PortName& name) {
  KernelPortEntry entry;
  entry.trtype = name.trtype == "pcie" ? "pci" : name.trtype;
  entry.traddr = name.traddr;
  entry.trsvcid = name.trsvcid;
  entry.adrfam = name.traddr.find(':') == std::string::npos ? "ipv4" : "ipv6";
  if (entry.trtype != "tcp" && entry.trtype != "rdma") entry.adrfam = entry.trtype;
  return entry;
}

bool is_same_address(const KernelPortEntry& one, const KernelPortEntry& other) {
  return one.trtype == other.trtype && one.traddr == other.traddr && one.trsvcid == other.trsvcid;
}

}  // namespace

Result<PortName> port_name_of(const KernelPortEntry& entry) {
  if (entry.trtype.empty()) return fail(EINVAL, "there is no addr_trtype: write tcp or the like");
  PortName name{entry.trtype, entry.traddr, entry.trsvcid};
  if (entry.trtype == "loop") name = {"loop", "", ""};
  if (entry.trtype == "pci") name = {"pcie", entry.traddr, ""};
  if (auto parsed = PortName::parse(name.text()); !parsed) return parsed;
  const bool is_ip = entry.trtype == "tcp" || entry.trtype == "rdma";
  const std::string_view family = entry.traddr.find(':') == std::string::npos ? "ipv4" : "ipv6";
  if (is_ip && !entry.adrfam.empty() && entry.adrfam != family)
    return fail(EINVAL, fmt::format("addr_adrfam \"{}\" does not fit addr_traddr \"{}\": write {}",
                                    entry.adrfam, entry.traddr, family));
  return name;
}

std::string KernelPorts::path(PortId id) {
  return fmt::format("kernel/nvmet/ports/{}", id.value());
}

KernelPorts::KernelPorts(Model& model) : model_(model), strands_(model.workshop()->workers) {}

// --- who is there

KernelPorts::PortPointer KernelPorts::own(PortId id) const {
  const auto it = ports_.find(id);
  return it == ports_.end() ? nullptr : it->second;
}

KernelPorts::PortPointer KernelPorts::own(PortId id, const PortName& name) const {
  auto port = own(id);
  return port != nullptr && port->name == name ? port : nullptr;
}

std::optional<PortName> KernelPorts::address_of(PortId id) const {
  auto name = PortName::parse(model_.parts().state.port_of(id));
  return name && model_.listeners().index().has(*name) ? std::optional(std::move(*name)) : std::nullopt;
}

std::vector<PortId> KernelPorts::all() const {
  StateStore& state = model_.parts().state;
  const auto names = model_.listeners().index().names();
  std::vector<std::string> texts;
  for (const auto& name : names) texts.push_back(name.text());
  (void)state.assure({}, texts);  // what is not kept is known for this process
  std::set<PortId> ids;
  for (const auto& text : texts) ids.insert(state.port_id(text));
  ids.erase(PortId());
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, port] : ports_) ids.insert(id);
  return {ids.begin(), ids.end()};
}

std::optional<KernelPortEntry> KernelPorts::find(PortId id) const {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto port = own(id)) return port->entry;
  }
  const auto name = address_of(id);
  return name ? std::optional(entry_at(*name)) : std::nullopt;
}

// The groups are those of its subsystems.
KernelPortEntry KernelPorts::entry_at(const PortName& name) const {
  KernelPortEntry entry = entry_of(name);
  for (const auto& nqn : model_.listeners().index().linked(name))
    if (const auto tenant = model_.find_subsystem(nqn))
      if (const auto its = tenant->ports().find(name))
        for (const auto& [group, ana] : its->ana_groups) entry.ana_groups.emplace(group, ana);
  return entry;
}

std::shared_ptr<LastError> KernelPorts::last_error(PortId id) const {
  const std::scoped_lock lock(mutex_);
  auto& its = last_errors_[id];
  if (its == nullptr) its = std::make_shared<LastError>();
  return its;
}

Result<KernelPorts::PortPointer> KernelPorts::look_up(PortId id) {
  if (auto port = own(id)) return port;
  const auto name = address_of(id);
  if (!name) return none(id);
  auto port = std::make_shared<Port>();
  port->entry = entry_at(*name);
  port->name = *name;
  ports_.emplace(id, port);
  keep(id, *port);
  return port;
}

Result<> KernelPorts::make(PortId id) {
  if (id == PortId()) return fail(EINVAL, "a port is named by a number from 1 to 65535");
  StateStore& state = model_.parts().state;
  const std::string holder = state.port_of(id);
  if (const auto name = PortName::parse(holder);
      name && (model_.listeners().index().is_listening(*name) || model_.listeners().index().has(*name)))
    return fail(EEXIST, fmt::format("port {}: this is the id of {} already", id.value(), holder));
  {
    const std::scoped_lock lock(mutex_);
    const auto [it, is_new] = ports_.emplace(id, std::make_shared<Port>());
    if (!is_new) return fail(EEXIST, fmt::format("port {}: there is one already", id.value()));
    keep(id, *it->second);
  }
  // An address that nobody has gets another id when it comes back.
  reserve(id);
  return {};
}

void KernelPorts::reserve(PortId id) {
  (void)model_.parts().state.assign(path(id), id);
}

Result<> KernelPorts::remove(PortId id) {
  PortPointer port;
  {
    const std::scoped_lock lock(mutex_);
    auto found = look_up(id);
    if (!found) return std::unexpected(std::move(found.error()));
    port = std::move(*found);
    const auto nqns = links(*port);
    if (!nqns.empty() || port->beginning > 0)
      return fail(ENOTEMPTY, fmt::format("it links {} subsystems: remove those links first",
                                         nqns.size() + port->beginning));
    drop(id);
  }
  if (!port->name || !model_.listeners().index().has(*port->name)) return {};
  // Those that have it in the other layout, not enabled.
  for (const auto& tenant : model_.subsystems())
    if (const auto its = tenant->ports().find(*port->name); its && !its->enable)
      (void)tenant->ports().remove(*port->name, nullptr);
  return {};
}

Result<> KernelPorts::change(PortId id, const std::function<Result<>(KernelPortEntry&)>& change) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = look_up(id);
    if (!found) return std::unexpected(found.error());
    Port& port = **found;
    if (port.beginning > 0 || !links(port).empty())
      return fail(EACCES, "it cannot change while the port links a subsystem: remove its links first");
    const KernelPortEntry before = port.entry;
    if (auto changed = change(port.entry); !changed) return changed;
    if (port.entry != before) keep(id, port);
    if (!port.name || is_same_address(before, port.entry)) return {};
    port.name.reset();
    drop_links(id, port);
  }
  // The id is this port's, and not that of the address that it had.
  reserve(id);
  return {};
}

// --- links

// The subsystem, or its port, may have been removed in the other layout.
bool KernelPorts::is_held(const Port& port, const std::string& nqn) const {
  const auto link = port.links.find(nqn);
  if (!port.name || link == port.links.end() || !link->second.is_held) return false;
  const auto tenant = model_.find_subsystem(nqn);
  return tenant != nullptr && tenant->ports().find(*port.name).has_value();
}

bool KernelPorts::is_linked(const Port& port, const std::string& nqn) const {
  return port.name && (is_held(port, nqn) || model_.listeners().index().is_linked(*port.name, nqn));
}

bool KernelPorts::holds(const std::string& nqn) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::any_of(ports_, [&](const auto& each) { return is_held(*each.second, nqn); });
}

std::vector<std::string> KernelPorts::links(const Port& port) const {
  std::set<std::string> all;
  if (!port.name) return {};
  for (auto& nqn : model_.listeners().index().linked(*port.name)) all.insert(std::move(nqn));
  for (const auto& [nqn, link] : port.links)
    if (is_held(port, nqn)) all.insert(nqn);
  return {all.begin(), all.end()};
}

std::vector<std::string> KernelPorts::links(PortId id) const {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto port = own(id)) return links(*port);
  }
  const auto name = address_of(id);
  return name ? model_.listeners().index().linked(*name) : std::vector<std::string>();
}

std::optional<std::string> KernelPorts::link_target(PortId id, const std::string& nqn) const {
  const std::string made_elsewhere = "../../../subsystems/" + nqn;
  PortIndex& index = model_.listeners().index();
  std::unique_lock lock(mutex_);
  if (const auto port = own(id)) {
    const auto written = port->links.find(nqn);
    if (!is_linked(*port, nqn)) return std::nullopt;
    return written == port->links.end() || written->second.target.empty() ? made_elsewhere
                                                                          : written->second.target;
  }
  lock.unlock();
  const auto name = address_of(id);
  return name && index.is_linked(*name, nqn) ? std::optional(made_elsewhere) : std::nullopt;
}

void KernelPorts::link(PortId id, const std::string& nqn, const std::string& target, Answer answer) {
  auto tenant = model_.find_subsystem(nqn);
  if (tenant == nullptr) return answer(fail(ENOENT, fmt::format("subsystem {}: there is none", nqn)));
  PortPointer port;
  Result<PortName> name;
  {
    const std::scoped_lock lock(mutex_);
    auto found = look_up(id);
    if (!found) return answer(std::unexpected(std::move(found.error())));
    port = std::move(*found);
    name = port_name_of(port->entry);
    if (name) name = model_.listeners().canonical(*name);
    if (!name) {
      WEFT_REACHED("config.kernel_port_without_address");
      return answer(std::unexpected(std::move(name.error())));
    }
    ++port->beginning;
  }
  const std::string key = name->text();
  strands_.run(key, [this, id, port, name = std::move(*name), tenant = std::move(tenant), target,
                     answer = std::move(answer)]() mutable {
    auto linked = open_link(id, port, name, tenant);
    {
      const std::scoped_lock lock(mutex_);
      --port->beginning;
      if (linked) {
        port->links[tenant->nqn()].target = target;
        keep_link(id, *port, tenant->nqn());
      }
    }
    answer(std::move(linked));
  });
}

Result<> KernelPorts::open_link(PortId id, const PortPointer& port, const PortName& name,
                                const std::shared_ptr<Tenant>& tenant) {
  if (auto claimed = claim(id, name); !claimed) return claimed;
  KernelPortEntry entry;
  {
    const std::scoped_lock lock(mutex_);
    if (auto fits = check_params(*port, tenant->nqn()); !fits) return fits;
    port->name = name;
    entry = port->entry;
  }
  if (auto applied = apply_params(entry, *tenant); !applied) return applied;
  PortSet& ports = tenant->ports();
  auto made = ports.make(name);
  const bool is_new = made.has_value();
  if (!made && made.error().code != EEXIST) return made;
  (void)ports.set_ana_groups(name, entry.ana_groups, nullptr);
  if (!entry.listen) {
    const std::scoped_lock lock(mutex_);
    port->links[tenant->nqn()].is_held = true;
    return {};
  }
  auto enabled = ports.enable(name);
  if (!enabled && is_new) {
    WEFT_REACHED("config.kernel_link_cannot_listen");
    (void)ports.remove(name, nullptr);
  }
  return enabled;
}

// The address has this id from now on.
Result<> KernelPorts::claim(PortId id, const PortName& name) {
  StateStore& state = model_.parts().state;
  const PortIndex& index = model_.listeners().index();
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [other, port] : ports_)
      if (other != id && port->name == name && !links(*port).empty())
        return fail(EADDRINUSE, fmt::format("{} has the address {}: link there, or remove "
                                            "its links first",
                                            path(other), name.text()));
  }
  const PortId present = state.port_id(name.text());
  if (present == id) return {};
  if (index.is_listening(name))
    return fail(EADDRINUSE, fmt::format("{} listens already, as port {}: link there, or disable it first",
                                        name.text(), present.value()));
  const std::string holder = state.port_of(id);
  if (const auto other = PortName::parse(holder); other && index.is_listening(*other))
    return fail(EADDRINUSE, fmt::format("port id {} is that of {}, which listens: choose another id",
                                        id.value(), holder));
  if (auto kept = state.assign(name.text(), id); !kept)
    model_.parts().journal.note(
        path(id), fmt::format("{}: the port's id may be another after a restart", kept.error().message));
  return {};
}

// Sizes belong to subsystems: two ports cannot ask for different ones.
Result<> KernelPorts::check_params(const Port& port, const std::string& nqn) const {
  if (port.entry.params.empty()) return {};
  for (const auto& [id, other] : ports_) {
    if (other.get() == &port || !is_linked(*other, nqn)) continue;
    for (const auto& [name, value] : port.entry.params)
      if (const auto its = other->entry.params.find(name);
          its != other->entry.params.end() && its->second != value)
        return fail(EBUSY, fmt::format("{} \"{}\": port {} links {} with \"{}\", and sizes belong to a "
                                       "subsystem: write the same",
                                       name, value, id.value(), nqn, its->second));
  }
  return {};
}

Result<> KernelPorts::apply_params(const KernelPortEntry& entry, Tenant& tenant) const {
  if (entry.params.empty()) return {};
  return tenant.change_settings([&](target::SubsystemSettings& settings) -> Result<> {
    for (const auto& [name, value] : entry.params)
      if (auto stored = find_attribute(subsystem_attributes(), name)->store(settings, value); !stored)
        return stored;
    return {};
  });
}

Result<> KernelPorts::unlink(PortId id, const std::string& nqn) {
  const auto tenant = model_.find_subsystem(nqn);
  std::optional<PortName> name;
  {
    const std::scoped_lock lock(mutex_);
    const auto port = look_up(id);
    if (!port) return std::unexpected(port.error());
    drop_link(id, **port, nqn);
    name = (*port)->name;
  }
  if (tenant == nullptr || !name) return {};
  tenant->ports().begin_remove(*name);
  strands_.run(name->text(), [tenant, name = *name] { (void)tenant->ports().remove(name, nullptr); });
  return {};
}

// --- listening

void KernelPorts::set_listen(PortId id, bool on, Answer answer) {
  PortPointer port;
  std::optional<PortName> name;
  {
    const std::scoped_lock lock(mutex_);
    auto found = look_up(id);
    if (!found) return answer(std::unexpected(std::move(found.error())));
    port = std::move(*found);
    name = port->name;
    if (!name || links(*port).empty()) {
      port->entry.listen = on;
      keep(id, *port);
      return answer({});
    }
  }
  strands_.run(name->text(), [this, id, on, port, name = *name, answer = std::move(answer)]() mutable {
    if (on) return answer(open_held(id, port, name));
    close_linked(id, port, name, std::move(answer));
  });
}

// All of them before it listens: a host that meets "not allowed" never comes back.
Result<> KernelPorts::open_held(PortId id, const PortPointer& port, const PortName& name) {
  std::vector<std::shared_ptr<Tenant>> tenants;
  std::vector<Listeners::User> users;
  std::vector<std::string> held;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [nqn, link] : port->links)
      if (is_held(*port, nqn)) held.push_back(nqn);
  }
  Result<> outcome;
  for (const auto& nqn : held) {
    const auto tenant = model_.find_subsystem(nqn);
    if (tenant == nullptr) continue;
    auto user = tenant->ports().begin_enable(name);
    if (!user) {
      if (user.error().code != EALREADY) outcome = std::unexpected(std::move(user.error()));
      continue;
    }
    tenants.push_back(tenant);
    users.push_back(std::move(*user));
  }
  auto results = model_.listeners().join(name, users);
  for (std::size_t i = 0; i < results.size(); ++i)
    if (auto joined = tenants[i]->ports().end_enable(name, std::move(results[i])); !joined)
      outcome = std::move(joined);
  const std::scoped_lock lock(mutex_);
  for (auto& [nqn, link] : port->links) {
    if (!link.is_held || !model_.listeners().index().is_linked(name, nqn)) continue;
    link.is_held = false;
    keep_link(id, *port, nqn);
  }
  port->entry.listen = outcome.has_value();
  keep(id, *port);
  return outcome;
}

void KernelPorts::close_linked(PortId id, const PortPointer& port, const PortName& name, Answer answer) {
  const auto nqns = model_.listeners().index().linked(name);
  {
    const std::scoped_lock lock(mutex_);
    port->entry.listen = false;
    keep(id, *port);
    for (const auto& nqn : nqns) {
      port->links[nqn].is_held = true;
      keep_link(id, *port, nqn);
    }
  }
  const target::Pin pin = target::make_pin([answer = std::move(answer)]() mutable { answer({}); });
  for_each_linked(nqns, [&](Tenant& tenant) { (void)tenant.ports().disable(name, [pin] {}); });
}

void KernelPorts::for_each_linked(const std::vector<std::string>& nqns,
                                  const std::function<void(Tenant&)>& act) const {
  for (const auto& nqn : nqns)
    if (const auto tenant = model_.find_subsystem(nqn)) act(*tenant);
}

}  // namespace weft::config
