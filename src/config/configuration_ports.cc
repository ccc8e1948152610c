#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "config/configuration.h"

namespace weft::config {

fabric::Transport* Configuration::find_transport(const std::string& trtype) const {
  for (fabric::Transport* const transport : parts_.transports)
    if (transport->name() == trtype) return transport;
  return nullptr;
}

bool Configuration::check_port(const PortName& name, const std::string& path) {
  fabric::Transport* const transport = find_transport(name.trtype);
  if (transport == nullptr) {
    std::string known;
    for (const auto* each : parts_.transports)
      known += fmt::format("{}{}", known.empty() ? "" : ", ", each->name());
    problem(path, fmt::format("there is no transport \"{}\"; known: {}", name.trtype, known));
    return false;
  }
  const auto canonical = transport->canonical({.traddr = name.traddr, .trsvcid = name.trsvcid});
  if (!canonical) {
    problem(path, canonical.error().message);
    return false;
  }
  const PortName right{name.trtype, canonical->traddr, canonical->trsvcid};
  if (right != name) {
    problem(path, fmt::format("\"{}\" must be written {}", name.text(), right.text()));
    return false;
  }
  if (name.trsvcid == "0") {
    problem(path, "service id 0: hosts need a number to connect to, like 4420");
    return false;
  }
  return true;
}

// An empty NQN is the discovery service.
void Configuration::want(Ports& ports, const PortName& name, const PortEntry& entry, const std::string& nqn) {
  if (!entry.enable) return;
  const std::string path = nqn.empty() ? "nvmet/discovery/ports/" + name.text()
                                       : fmt::format("nvmet/subsystems/{}/ports/{}", nqn, name.text());
  if (!check_port(name, path)) return;
  const auto [it, fresh] = ports.try_emplace(name);
  WantedPort& port = it->second;
  if (fresh)
    port.advertise = entry.advertise;
  else if (port.advertise != entry.advertise)
    return problem(path, fmt::format("addr_advertise \"{}\": {} has this listener with \"{}\"; one listener "
                                     "advertises one address",
                                     entry.advertise, port.paths.front(), port.advertise));
  port.paths.push_back(path);
  if (nqn.empty())
    port.discovery = true;
  else
    port.subsystems.insert(nqn);
}

Configuration::Ports Configuration::wanted_ports(const Document& next) {
  Ports ports;
  for (const auto& [name, entry] : next.discovery_ports) want(ports, name, entry, "");
  for (const auto& [nqn, subsystem] : next.subsystems)
    for (const auto& [name, entry] : subsystem.ports) want(ports, name, entry, nqn);
  return ports;
}

void Configuration::remove_ports(const Ports& wanted) {
  std::vector<Port> gone;  // listeners close without the lock
  {
    const Lock lock(shared_->mutex);
    for (auto it = ports_.begin(); it != ports_.end();) {
      const auto next = wanted.find(it->first);
      if (next != wanted.end() && next->second.advertise == it->second.wanted.advertise &&
          next->second.discovery == it->second.wanted.discovery) {
        ++it;
        continue;
      }
      gone.push_back(std::move(it->second));
      it = ports_.erase(it);
    }
  }
  for (Port& port : gone) {
    port.listener.reset();
    if (auto removed = parts_.target.remove_port(port.object->options().id); !removed)
      parts_.journal.problem(port.wanted.paths.front(), removed.error().message);
  }
}

void Configuration::apply_port(const PortName& name, const WantedPort& wanted) {
  {
    const Lock lock(shared_->mutex);
    if (const auto it = ports_.find(name); it != ports_.end()) {
      Port& port = it->second;
      for (const auto& nqn : port.wanted.subsystems)
        if (!wanted.subsystems.contains(nqn)) port.object->unlink(nqn);
      for (const auto& nqn : wanted.subsystems)
        if (const auto subsystem = subsystems_.find(nqn);
            subsystem != subsystems_.end() && port.object->find(nqn) != subsystem->second.object)
          port.object->link(subsystem->second.object);
      port.wanted = wanted;
      return;
    }
  }
  auto port = open_port(name, wanted);
  const Lock lock(shared_->mutex);
  if (!port) {
    for (const auto& path : wanted.paths) problem(path, port.error().message);
    return;
  }
  ports_.emplace(name, std::move(*port));
  parts_.journal.listening(name.text());
}

Result<Configuration::Port> Configuration::open_port(const PortName& name, const WantedPort& wanted) {
  fabric::Transport& transport = *find_transport(name.trtype);
  const fabric::ListenOptions address{.traddr = name.traddr, .trsvcid = name.trsvcid};
  if (auto kept = parts_.state.assure({}, {name.text()}); !kept)
    parts_.journal.note(wanted.paths.front(), fmt::format("{}: the port's id may be another after a restart",
                                                          kept.error().message));
  target::PortOptions options{.id = parts_.state.port_id(name.text()),
                              .trtype = transport.trtype(),
                              .adrfam = transport.adrfam(address),
                              .traddr = name.traddr,
                              .trsvcid = name.trsvcid,
                              .advertised = {},
                              .discovery = wanted.discovery};
  if (options.id == PortId()) return fail(ENOSPC, "all 65535 port ids are given out");
  if (auto advertised = parse_address(wanted.advertise))
    options.advertised = target::Advertised{advertised->traddr, advertised->trsvcid};
  const PortId id = options.id;
  auto object = parts_.target.add_port(std::move(options));
  if (!object) return std::unexpected(std::move(object.error()));
  {
    const Lock lock(shared_->mutex);
    for (const auto& nqn : wanted.subsystems)
      if (const auto subsystem = subsystems_.find(nqn); subsystem != subsystems_.end())
        (*object)->link(subsystem->second.object);
  }
  auto listener = transport.listen(address, **object);
  if (!listener) {
    if (auto removed = parts_.target.remove_port(id); !removed) return std::unexpected(removed.error());
    return std::unexpected(std::move(listener.error()));
  }
  return Port{wanted, std::move(*object), std::move(*listener)};
}

std::vector<std::string> Configuration::listening() const {
  const Lock lock(shared_->mutex);
  std::vector<std::string> names;
  for (const auto& [name, port] : ports_)
    if (port.listener != nullptr) names.push_back(name.text());
  return names;
}

void Configuration::close_listeners() {
  std::vector<std::unique_ptr<fabric::Listener>> gone;  // they close without the lock
  const Lock lock(shared_->mutex);
  for (auto& [name, port] : ports_) gone.push_back(std::move(port.listener));
}

}  // namespace weft::config
