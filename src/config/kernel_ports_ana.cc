// Asymmetric access of ports in the kernel layout: applied subsystem by subsystem.
#include <fmt/format.h>

#include <cerrno>
#include <set>
#include <utility>

#include "config/kernel_ports.h"
#include "config/model.h"

namespace weft::config {

Result<> KernelPorts::make_ana_group(PortId id, AnaGroupId group) {
  std::vector<std::string> nqns;
  std::optional<PortName> name;
  {
    const std::scoped_lock lock(mutex_);
    const auto port = look_up(id);
    if (!port) return std::unexpected(port.error());
    if (!(*port)->entry.ana_groups.emplace(group, wire::AnaState::inaccessible).second)
      return fail(EEXIST, fmt::format("ANA group {}: there is one already", group.value()));
    keep_ana(id, **port);
    nqns = links(**port);
    name = (*port)->name;
  }
  for_each_linked(nqns, [&](Tenant& tenant) { (void)tenant.ports().make_ana_group(*name, group); });
  return {};
}

Result<> KernelPorts::remove_ana_group(PortId id, AnaGroupId group) {
  if (group == AnaGroupId(1)) return fail(EPERM, "ANA group 1 is always there");
  std::vector<std::string> nqns;
  std::optional<PortName> name;
  {
    const std::scoped_lock lock(mutex_);
    const auto port = look_up(id);
    if (!port) return std::unexpected(port.error());
    (*port)->entry.ana_groups.erase(group);
    keep_ana(id, **port);
    nqns = links(**port);
    name = (*port)->name;
  }
  for_each_linked(nqns,
                  [&](Tenant& tenant) { (void)tenant.ports().remove_ana_group(*name, group, nullptr); });
  return {};
}

void KernelPorts::set_ana_state(PortId id, AnaGroupId group, wire::AnaState state, Answer answer) {
  std::vector<std::string> nqns;
  std::optional<PortName> name;
  {
    const std::scoped_lock lock(mutex_);
    const auto port = look_up(id);
    if (!port) return answer(std::unexpected(port.error()));
    (*port)->entry.ana_groups.insert_or_assign(group, state);
    keep(id, **port);
    nqns = links(**port);
    name = (*port)->name;
  }
  const target::Pin pin = target::make_pin([answer = std::move(answer)]() mutable { answer({}); });
  for_each_linked(nqns, [&](Tenant& tenant) {
    const auto set = [state](wire::AnaState& into) -> Result<> {
      into = state;
      return {};
    };
    (void)tenant.ports().make_ana_group(*name, group);
    (void)tenant.ports().change_ana_group(*name, group, set, [pin] {});
  });
}

Result<std::optional<wire::AnaState>> KernelPorts::ana_state(PortId id, AnaGroupId group) const {
  const auto entry = find(id);
  if (!entry) return fail(ENOENT, fmt::format("port {}: there is none", id.value()));
  const auto its = entry->ana_groups.find(group);
  if (its == entry->ana_groups.end())
    return fail(ENOENT, fmt::format("ANA group {}: there is none", group.value()));
  std::optional<PortName> name;
  {
    const std::scoped_lock lock(mutex_);
    const auto port = own(id);
    name = port == nullptr ? address_of(id) : port->name;
  }
  std::set<wire::AnaState> states;
  if (name)
    for_each_linked(links(id), [&](Tenant& tenant) {
      const auto port = tenant.ports().find(*name);
      if (!port) return;
      const auto state = port->ana_groups.find(group);
      states.insert(state == port->ana_groups.end() ? wire::AnaState::inaccessible : state->second);
    });
  if (states.empty()) return its->second;
  return states.size() == 1 ? std::optional(*states.begin()) : std::nullopt;
}

}  // namespace weft::config
