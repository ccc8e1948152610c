#include <fmt/format.h>

#include <cerrno>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/attributes.h"
#include "config/device_path.h"
#include "config/document_json.h"
#include "config/json_fields.h"
#include "config/names.h"
#include "config/referral_set.h"
#include "config/values.h"
#include "target/identity.h"
#include "target/snapshot.h"
#include "wire/nqn.h"

namespace weft::config {

namespace {

using nlohmann::json;

// The entry, whose fields they are.
template <class Entry>
Parsed<Entry> read_entry(Entry& entry, const json& value, const std::string& path, const Fields& fields) {
  if (auto read = read_object(value, path, fields); !read) return std::unexpected(std::move(read.error()));
  return std::move(entry);
}

// The object's own rows; it outlives the fields.
template <class Object>
void add_rows(Fields& fields, Object& object, std::span<const AttributeRow<Object>> rows) {
  for (const auto& row : rows)
    if (row.store != nullptr)
      fields[std::string(row.name)].scalar = [&object, &row](std::string_view text) {
        return row.store(object, text);
      };
}

Parsed<DeviceEntry> read_device(const json& value, const std::string& path) {
  DeviceEntry device;
  const auto control = [&device](const json& object, const std::string& place) {
    return for_each_member(object, place,
                           [&](const auto& key, const json& each, const auto& where) -> Parsed<void> {
                             auto text = scalar_text(each);
                             if (!text) return problem(where, text.error().message);
                             device.control[key] = std::move(*text);
                             return {};
                           });
  };
  const auto wwn = [&device](const json& object, const std::string& place) {
    Fields fields;
    add_rows(fields, device.identity, device_identity_attributes());
    return read_object(object, place, fields);
  };
  return read_entry(device, value, path,
                    {{"alias", {store_any(device.notes.alias), {}}},
                     {"control", {{}, control}},
                     {"enable", {store_flag(device.enable), {}}},
                     {"udev_path", {store_any(device.notes.udev_path), {}}},
                     {"wwn", {{}, wwn}}});
}

Parsed<NamespaceEntry> read_namespace(const json& value, const std::string& path) {
  NamespaceEntry entry;
  Fields fields;
  add_rows(fields, entry, namespace_attributes());
  fields["device"].scalar = [&entry](std::string_view text) -> Result<> {
    constexpr std::string_view kRoot = "target/core/";
    if (!text.starts_with(kRoot) || text.size() == kRoot.size())
      return fail(EINVAL, fmt::format("\"{}\" must be target/core/PLUGIN_N/DEVICE", text));
    entry.device = text.substr(kRoot.size());
    return {};
  };
  fields["link_name"].scalar = store_any(entry.link_name);
  fields["link_target"].scalar = store_any(entry.link_target);
  fields["buffered_io"].scalar = store_flag(entry.buffered_io);
  fields["device_path"].scalar = [&entry](std::string_view text) -> Result<> {
    if (auto checked = check_device_path(text); !checked) return checked;
    entry.device_path = text;
    return {};
  };
  auto read = read_object(value, path, fields);
  if (!read) return std::unexpected(read.error());
  if (entry.device.empty())
    entry.link_name = entry.link_target = "";
  else
    entry.device_path = "";  // the link says it
  if (!entry.link_name.empty())
    if (const auto named = check_name(entry.link_name); !named)
      return problem(path + "/link_name", named.error().message);
  if (!entry.link_target.empty())
    if (const auto shown = linked_device(entry.link_target); !shown || *shown != entry.device)
      return problem(path + "/link_target",
                     fmt::format("\"{}\" must end in target/core/{}", entry.link_target, entry.device));
  return entry;
}

Parsed<void> read_ana_groups(const json& value, const std::string& path, AnaGroups& into) {
  return for_each_member(
      value, path, [&into](const auto& name, const json& group, const auto& where) -> Parsed<void> {
        const auto id = read_ana_group(name);
        if (!id || fmt::to_string(id->value()) != name)
          return problem(where, fmt::format("\"{}\" must be a number from 1 to 128", name));
        Fields fields;
        add_rows(fields, into.emplace(*id, wire::AnaState::inaccessible).first->second,
                 ana_group_attributes());
        return read_object(group, where, fields);
      });
}

ReadCompound store_ana_groups(AnaGroups& into) {
  return [&into](const json& value, const std::string& path) { return read_ana_groups(value, path, into); };
}

Parsed<PortEntry> read_port(const json& value, const std::string& path) {
  PortEntry entry;
  Fields fields;
  add_rows(fields, entry, port_attributes());
  fields["enable"].scalar = store_flag(entry.enable);
  fields["ana_groups"].compound = store_ana_groups(entry.ana_groups);
  return read_entry(entry, value, path, fields);
}

Parsed<KernelPortEntry> read_kernel_port_entry(const json& value, const std::string& path,
                                               const ReadCompound& read_subsystems) {
  KernelPortEntry entry;
  Fields fields;
  add_rows(fields, entry, kernel_port_attributes());
  fields["listen"].scalar = store_flag(entry.listen);
  fields["ana_groups"].compound = store_ana_groups(entry.ana_groups);
  fields["subsystems"].compound = read_subsystems;
  return read_entry(entry, value, path, fields);
}

Parsed<KernelLink> read_kernel_link(const json& value, const std::string& path) {
  KernelLink link;
  return read_entry(
      link, value, path,
      {{"held", {store_flag(link.is_held), {}}}, {"link_target", {store_any(link.target), {}}}});
}

Parsed<HostEntry> read_host_entry(const json& value, const std::string& path) {
  HostEntry entry;
  return read_entry(entry, value, path, {{"link_target", {store_any(entry.link_target), {}}}});
}

Parsed<ReferralEntry> read_referral(const json& value, const std::string& path) {
  ReferralEntry entry;
  Fields fields;
  add_rows(fields, entry, referral_attributes());
  fields["enable"].scalar = store_flag(entry.enable);
  if (auto read = read_object(value, path, fields); !read) return std::unexpected(read.error());
  // One that nobody is told of may still be on its way.
  if (auto checked = check_referral(entry); entry.enable && !checked)
    return problem(path, checked.error().message);
  return entry;
}

Result<> check_nqn(std::string_view nqn) {
  if (const auto flaw = wire::nqn_flaw(nqn); flaw != wire::NqnFlaw::none)
    return fail(EINVAL, fmt::format("the name {}", wire::describe(flaw)));
  return {};
}

// Collects what is wrong with items; each goes on without the others.
class Parser {
 public:
  ParsedDocument take() { return std::move(parsed_); }

  Parsed<void> read(const json& root) {
    std::string version;
    const auto core = [this](const json& value, const std::string& path) { return read_core(value, path); };
    const auto target = [&](const json& value, const std::string& path) {
      return read_object(value, path, {{"core", {{}, core}}});
    };
    const auto nvmet = [this](const json& value, const std::string& path) {
      const auto discovery = [this](const json& each, const std::string& at) {
        return read_discovery(each, at);
      };
      const auto subsystems = [this](const json& each, const std::string& at) {
        return for_each_member(each, at, [this](const auto& nqn, const json& subsystem, const auto& where) {
          read_subsystem(nqn, subsystem, where);
          return Parsed<void>();
        });
      };
      const auto discovery_nqn = [this, &path](std::string_view nqn) -> Result<> {
        if (const auto named = check_nqn(nqn); named)
          parsed_.document.discovery_nqn = nqn;
        else
          note({path + "/discovery_nqn", named.error().message});
        return {};
      };
      return read_object(value, path,
                         {{"discovery", {{}, discovery}},
                          {"discovery_nqn", {discovery_nqn, {}}},
                          {"subsystems", {{}, subsystems}}});
    };
    const auto kernel = [this](const json& value, const std::string& path) {
      return read_object(value, path, {{"nvmet", {{}, [this](const json& each, const std::string& at) {
                                                    return read_kernel(each, at);
                                                  }}}});
    };
    auto done = read_object(root, "",
                            {{"version", {store_one_of(version, {"1"}), {}}},
                             {"target", {{}, target}},
                             {"nvmet", {{}, nvmet}},
                             {"kernel", {{}, kernel}}});
    if (done && version.empty()) return problem("version", "it is not there; this is version 1");
    return done;
  }

 private:
  void note(Problem&& found) { parsed_.problems.push_back(std::move(found)); }

  // Into the map, or among the problems.
  template <class Map, class Key, class Value>
  void keep(Map& map, Key&& key, Parsed<Value>&& value) {
    if (value)
      map.insert_or_assign(std::forward<Key>(key), std::move(*value));
    else
      note(std::move(value.error()));
  }

  Parsed<void> read_core(const json& value, const std::string& path) {
    return for_each_member(
        value, path, [this](const std::string& adapter, const json& devices, const auto& where) {
          if (const auto named = check_adapter_name(adapter); !named) {
            note({where, named.error().message});
            return Parsed<void>();
          }
          Parsed<void> all = for_each_member(
              devices, where, [&](const std::string& name, const json& each, const auto& place) {
                if (const auto named = check_name(name); !named)
                  note({place, named.error().message});
                else
                  keep(parsed_.document.devices, adapter + "/" + name, read_device(each, place));
                return Parsed<void>();
              });
          if (!all) note(std::move(all.error()));
          if (devices.is_object() && devices.empty()) parsed_.document.empty_adapters.insert(adapter);
          return Parsed<void>();
        });
  }

  Parsed<void> read_ports(const json& value, const std::string& path, std::map<PortName, PortEntry>& into) {
    return for_each_member(value, path, [&](const auto& name, const json& port, const auto& where) {
      if (auto parsed = PortName::parse(name); parsed)
        keep(into, std::move(*parsed), read_port(port, where));
      else
        note({where, parsed.error().message});
      return Parsed<void>();
    });
  }

  Parsed<void> read_discovery(const json& value, const std::string& path) {
    const auto ports = [this](const json& each, const std::string& at) {
      return read_ports(each, at, parsed_.document.discovery_ports);
    };
    const auto referrals = [this](const json& each, const std::string& at) {
      return for_each_member(each, at, [this](const auto& name, const json& referral, const auto& where) {
        if (const auto named = check_name(name); !named)
          note({where, named.error().message});
        else
          keep(parsed_.document.referrals, name, read_referral(referral, where));
        return Parsed<void>();
      });
    };
    return read_object(value, path, {{"ports", {{}, ports}}, {"referrals", {{}, referrals}}});
  }

  Parsed<void> read_kernel(const json& value, const std::string& path) {
    const auto hosts = [this](const json& each, const std::string& at) {
      return for_each_member(each, at, [this](const auto& nqn, const json& host, const auto& where) {
        if (const auto named = check_nqn(nqn); !named)
          note({where, named.error().message});
        else if (auto read = read_object(host, where, {}); !read)
          note(std::move(read.error()));
        else
          parsed_.document.kernel_hosts.insert(nqn);
        return Parsed<void>();
      });
    };
    const auto ports = [this](const json& each, const std::string& at) {
      return for_each_member(each, at, [this](const auto& name, const json& port, const auto& where) {
        if (const auto id = read_port_id(name); !id)
          note({where, id.error().message});
        else
          read_kernel_port(*id, port, where);
        return Parsed<void>();
      });
    };
    return read_object(value, path, {{"hosts", {{}, hosts}}, {"ports", {{}, ports}}});
  }

  void read_kernel_port(PortId id, const json& value, const std::string& path) {
    KernelPort port;
    const auto links = [this, &port](const json& each, const std::string& at) {
      return for_each_member(each, at, [&](const auto& nqn, const json& link, const auto& where) {
        keep(port.links, nqn, read_kernel_link(link, where));
        return Parsed<void>();
      });
    };
    auto entry = read_kernel_port_entry(value, path, links);
    if (!entry) return note(std::move(entry.error()));
    port.entry = std::move(*entry);
    parsed_.document.kernel_ports.emplace(id, std::move(port));
  }

  void read_subsystem(const std::string& nqn, const json& value, const std::string& path) {
    if (const auto named = check_nqn(nqn); !named) return note({path, named.error().message});
    if (nqn == wire::kDiscoveryNqn) return note({path, "the discovery service's name; choose another"});
    SubsystemEntry entry;
    if (auto done = read_object(value, path, subsystem_fields(entry)); !done)
      return note(std::move(done.error()));
    limit_namespaces(entry, path);
    const auto settings = settings_of(nqn, entry.attributes);
    if (!settings) return note({path, settings.error().message});
    for (auto& [name, text] : entry.attributes)
      text = find_attribute(subsystem_attributes(), name)->show(*settings);
    if (settings->allow_any_host && !entry.hosts.empty())
      return note({path, "attr_allow_any_host is 1 and hosts are listed: choose one"});
    parsed_.document.subsystems.emplace(nqn, std::move(entry));
  }

  void limit_namespaces(SubsystemEntry& entry, const std::string& path) {
    while (entry.namespaces.size() > target::kMaxNamespaces) {
      const auto last = std::prev(entry.namespaces.end());
      note({fmt::format("{}/namespaces/{}", path, last->first.value()),
            fmt::format("a subsystem holds at most {} namespaces: move it to another",
                        target::kMaxNamespaces)});
      entry.namespaces.erase(last);
    }
  }

  Fields subsystem_fields(SubsystemEntry& entry) {
    Fields fields;
    for (const auto& row : subsystem_attributes()) {
      const std::string name(row.name);
      fields[name].scalar = [&entry, name](std::string_view text) -> Result<> {
        entry.attributes[name] = text;
        return {};
      };
    }
    fields["hosts"].compound = [this, &entry](const json& value, const std::string& path) {
      return for_each_member(value, path, [&](const auto& nqn, const json& host, const auto& where) {
        read_host(entry, nqn, host, where);
        return Parsed<void>();
      });
    };
    fields["namespaces"].compound = [this, &entry](const json& value, const std::string& path) {
      return for_each_member(value, path, [&](const auto& name, const json& each, const auto& where) {
        keep_namespace(entry, name, each, where);
        return Parsed<void>();
      });
    };
    fields["ports"].compound = [this, &entry](const json& value, const std::string& path) {
      return read_ports(value, path, entry.ports);
    };
    return fields;
  }

  void keep_namespace(SubsystemEntry& entry, const std::string& name, const json& value,
                      const std::string& path) {
    const auto nsid = parse_nsid(name);
    if (!nsid) return note({path, nsid.error().message});
    if (entry.namespaces.contains(*nsid))
      return note({path, "this namespace is there already under its other name: remove one"});
    auto read = read_namespace(value, path);
    if (read && name.starts_with("ns_")) read->directory = name;
    keep(entry.namespaces, *nsid, std::move(read));
  }

  void read_host(SubsystemEntry& entry, const std::string& nqn, const json& value, const std::string& path) {
    if (const auto named = check_nqn(nqn); !named) return note({path, named.error().message});
    keep(entry.hosts, nqn, read_host_entry(value, path));
  }

  ParsedDocument parsed_;
};

// Finds keys that are there twice, of which the parser would silently take the last.
class DuplicateWatch {
 public:
  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::object_start) {
      keys_.resize(level + 1);
      keys_[level].clear();
    }
    if (event == json::parse_event_t::key && level > 0) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys_[level - 1].insert(key).second && duplicate.empty()) duplicate = key;
    }
    return true;
  }
  std::string duplicate;

 private:
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

Result<ParsedDocument> parse_document(std::string_view text) {
  DuplicateWatch watch;
  json root;
  try {
    root = json::parse(text, std::ref(watch));
  } catch (const json::exception& error) {
    return fail(EINVAL, fmt::format("it is no JSON text: {}", error.what()));
  }
  if (!watch.duplicate.empty())
    return fail(EINVAL,
                fmt::format("the key \"{}\" is there twice in one object: remove one", watch.duplicate));
  return read_document(root);
}

Result<ParsedDocument> read_document(const json& root) {
  Parser parser;
  if (const auto read = parser.read(root); !read) {
    const Problem& found = read.error();
    return fail(EINVAL, found.path.empty() ? "the document " + found.reason : found.text());
  }
  return parser.take();
}

std::pair<std::string, std::string> split_device(const std::string& name) {
  const std::size_t slash = name.find('/');
  return {name.substr(0, slash), slash == std::string::npos ? "" : name.substr(slash + 1)};
}

Result<target::SubsystemSettings> settings_of(const std::string& nqn,
                                              const std::map<std::string, std::string>& attributes) {
  target::SubsystemSettings settings;
  settings.serial = target::default_serial(nqn);
  for (const auto& row : subsystem_attributes()) {
    const auto value = attributes.find(std::string(row.name));
    if (value == attributes.end()) continue;
    if (auto stored = row.store(settings, value->second); !stored)
      return fail(stored.error().code, fmt::format("{}: {}", row.name, stored.error().message));
  }
  return settings;
}

std::map<std::string, std::string> attributes_of(const std::string& nqn,
                                                 const target::SubsystemSettings& settings) {
  const target::SubsystemSettings defaults = *settings_of(nqn, {});
  std::map<std::string, std::string> all;
  for (const auto& row : subsystem_attributes())
    if (std::string shown = row.show(settings); shown != row.show(defaults))
      all.emplace(row.name, std::move(shown));
  return all;
}

}  // namespace weft::config
