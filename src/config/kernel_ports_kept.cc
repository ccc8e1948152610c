// Ports of the kernel layout in documents and in the store.
#include <fmt/format.h>

#include <utility>

#include "config/document_rows.h"
#include "config/kernel_ports.h"
#include "config/model.h"

namespace weft::config {

namespace {

std::string row_of(PortId id, const std::string& nqn) {
  return row_path({"kernel", "nvmet", "ports", fmt::to_string(id.value()), "subsystems", nqn});
}

}  // namespace

// One that has been removed meanwhile is not kept.
void KernelPorts::keep(PortId id, const Port& port) {
  if (own(id).get() == &port) model_.parts().store.put(path(id), row_value(port.entry));
}

void KernelPorts::keep_ana(PortId id, const Port& port) {
  keep(id, port);
  if (own(id).get() == &port) model_.parts().store.times().touch(path(id) + "/ana_groups");
}

void KernelPorts::keep_link(PortId id, const Port& port, const std::string& nqn) {
  if (own(id).get() == &port) model_.parts().store.put(row_of(id, nqn), row_value(port.links.at(nqn)));
}

void KernelPorts::drop_link(PortId id, Port& port, const std::string& nqn) {
  if (port.links.erase(nqn) > 0) model_.parts().store.erase(row_of(id, nqn));
}

void KernelPorts::drop_links(PortId id, Port& port) {
  for (const auto& [nqn, link] : std::exchange(port.links, {})) model_.parts().store.erase(row_of(id, nqn));
}

void KernelPorts::drop(PortId id) {
  ports_.erase(id);
  last_errors_.erase(id);
  model_.parts().store.erase(path(id));
}

void KernelPorts::forget_link(const PortName& name, const std::string& nqn) {
  const PortId id = model_.parts().state.port_id(name.text());
  const std::scoped_lock lock(mutex_);
  const auto port = own(id, name);
  if (port == nullptr) return;
  drop_link(id, *port, nqn);
  note_links(id);
}

// Else it would claim its address after a restart, which may be another port's by then.
void KernelPorts::forget_open_link(const PortName& name, const std::string& nqn) {
  const PortId id = model_.parts().state.port_id(name.text());
  const std::scoped_lock lock(mutex_);
  if (const auto port = own(id, name); port != nullptr && !is_held(*port, nqn)) {
    drop_link(id, *port, nqn);
    note_links(id);
  }
}

std::string KernelPorts::row(PortId id) const {
  {
    const std::scoped_lock lock(mutex_);
    if (own(id) != nullptr) return path(id);
  }
  const auto name = address_of(id);
  return name ? PortIndex::row(*name) : path(id);
}

// The other layout may have made the link, which then has no row.
void KernelPorts::note_links(PortId id) {
  model_.parts().store.times().touch(path(id) + "/subsystems");
}

ChangeTimes::Time KernelPorts::links_changed(PortId id) const {
  std::optional<PortName> name;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto port = own(id)) name = port->name;
  }
  return name ? model_.parts().store.times().names_changed(PortIndex::row(*name) + "/subsystems")
              : ChangeTimes::Time();
}

std::map<PortId, KernelPort> KernelPorts::entries() const {
  const std::scoped_lock lock(mutex_);
  std::map<PortId, KernelPort> all;
  for (const auto& [id, port] : ports_) all.emplace(id, *port);
  return all;
}

Result<> KernelPorts::restore(PortId id, const KernelPort& next) {
  {
    // What is being made there goes on.
    const std::scoped_lock lock(mutex_);
    if (const auto present = own(id); present != nullptr && *present == next) return {};
  }
  auto name = port_name_of(next.entry);
  if (name) name = model_.listeners().canonical(*name);
  auto port = std::make_shared<Port>();
  static_cast<KernelPort&>(*port) = next;
  if (!next.links.empty()) {
    if (!name) return std::unexpected(std::move(name.error()));
    if (auto claimed = claim(id, *name); !claimed) return claimed;
    port->name = std::move(*name);
  } else if (name && model_.parts().state.port_of(id) == name->text()) {
    port->name = std::move(*name);
  } else {
    reserve(id);  // it may have this address one day, or another
  }
  const std::scoped_lock lock(mutex_);
  model_.parts().store.erase(path(id));
  ports_.insert_or_assign(id, port);
  keep(id, *port);
  for (const auto& [nqn, link] : port->links) keep_link(id, *port, nqn);
  return {};
}

void KernelPorts::forget(PortId id) {
  const std::scoped_lock lock(mutex_);
  drop(id);
}

}  // namespace weft::config
