// The ports in a change by documents.
#include <cerrno>
#include <utility>

#include "base/reached.h"
#include "config/change.h"

namespace weft::config {

namespace {

const std::map<PortName, PortEntry> kNoPorts;

// Those that the document listens on.
std::set<PortName> addresses_of(const Document& document) {
  std::set<PortName> all;
  const auto add = [&all](const std::map<PortName, PortEntry>& ports) {
    for (const auto& [name, entry] : ports)
      if (entry.enable) all.insert(name);
  };
  add(document.discovery_ports);
  for (const auto& [nqn, subsystem] : document.subsystems) add(subsystem.ports);
  return all;
}

const std::map<PortName, PortEntry>& ports_of(const Document& document, const std::string& nqn) {
  const auto subsystem = document.subsystems.find(nqn);
  return subsystem == document.subsystems.end() ? kNoPorts : subsystem->second.ports;
}

// But for what changes while hosts are connected.
bool is_same_listener(const PortEntry& present, PortEntry next) {
  next.ana_groups = present.ana_groups;
  return next == present;
}

}  // namespace

// Listeners that nobody wants any more close before anything leaves those that stay: who sees that a
// subsystem is gone finds its own listeners closed.
void Change::remove_ports() {
  const std::set<PortName> staying = addresses_of(next_);
  for (const bool stays : {false, true}) {
    const auto concerns = [&](const PortName& name) { return staying.contains(name) == stays; };
    remove_ports(model_.discovery_ports(), before_.discovery_ports, next_.discovery_ports, concerns);
    for (const auto& tenant : model_.subsystems())
      remove_ports(tenant->ports(), ports_of(before_, tenant->nqn()), ports_of(next_, tenant->nqn()),
                   concerns);
  }
}

// With those that become others: they are made anew.
void Change::remove_ports(PortSet& ports, const Ports& before, const Ports& next,
                          const std::function<bool(const PortName&)>& concerns) {
  for (const auto& [name, entry] : ports.entries()) {
    if (!concerns(name)) continue;
    const auto wanted = next.find(name);
    const bool changes = wanted != next.end() && !is_same_listener(entry, wanted->second);
    const bool goes = wanted == next.end() && before.contains(name);
    if (!changes && !goes) continue;
    if (auto removed = ports.remove(name, nullptr); !removed && removed.error().code != ENOENT)
      problem(ports.path(name), removed.error());
  }
}

void Change::make_all_ports() {
  Joinings joinings;
  make_ports({model_.workshop(), &model_.discovery_ports()}, next_.discovery_ports, joinings);
  for (const auto& [nqn, entry] : next_.subsystems)
    if (const auto tenant = model_.find_subsystem(nqn))
      make_ports({tenant, &tenant->ports()}, entry.ports, joinings);
  join(joinings);
}

void Change::make_ports(const std::shared_ptr<PortSet>& ports, const Ports& next, Joinings& joinings) {
  const auto present = ports->entries();
  for (const auto& [name, entry] : next) {
    const auto its = present.find(name);
    Result<> made;
    if (its == present.end())
      made = make_port(ports, name, entry, joinings);
    else if (its->second.ana_groups != entry.ana_groups)
      made = ports->set_ana_groups(name, entry.ana_groups, nullptr);
    if (!made) {
      WEFT_REACHED("config.port_not_made");
      problem(ports->path(name), made.error());
    }
  }
}

Result<> Change::make_port(const std::shared_ptr<PortSet>& ports, const PortName& name,
                           const PortEntry& entry, Joinings& joinings) {
  if (auto made = ports->make(name); !made) return made;
  const auto set = [&entry](PortEntry& into) -> Result<> {
    into.advertise = entry.advertise;
    into.ana_groups = entry.ana_groups;
    return {};
  };
  if (auto changed = ports->change(name, set); !changed) return changed;
  if (!entry.enable) return {};
  auto user = ports->begin_enable(name);
  if (!user) return std::unexpected(std::move(user.error()));
  joinings[name].sets.push_back(ports);
  joinings[name].users.push_back(std::move(*user));
  return {};
}

// All of one address at once: a host that meets "not allowed" never comes back.
void Change::join(const Joinings& joinings) {
  for (const auto& [name, joining] : joinings) {
    auto results = model_.listeners().join(name, joining.users);
    for (std::size_t i = 0; i < results.size(); ++i)
      if (auto joined = joining.sets[i]->end_enable(name, std::move(results[i])); !joined) {
        WEFT_REACHED("config.port_not_enabled");
        problem(joining.users[i].path, joined.error());
      }
  }
}

}  // namespace weft::config
