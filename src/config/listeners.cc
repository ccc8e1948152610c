#include "config/listeners.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/reached.h"

namespace weft::config {

namespace {

// A successor of the name has the equal path.
bool is_same(const Listeners::User& one, const Listeners::User& other) {
  return one.path == other.path && one.subsystem == other.subsystem;
}

}  // namespace

Listeners::Listeners(target::Target& target, std::span<fabric::Transport* const> transports,
                     Workshop& workshop)
    : target_(target), transports_(transports), workshop_(workshop), index_(workshop.store().times()) {}

fabric::Transport* Listeners::find_transport(const std::string& trtype) const {
  for (fabric::Transport* const transport : transports_)
    if (transport->name() == trtype) return transport;
  return nullptr;
}

std::unexpected<Error> Listeners::no_transport(int code, const std::string& trtype) const {
  std::vector<std::string_view> known;
  for (const auto* each : transports_) known.push_back(each->name());
  return fail(code, fmt::format("there is no transport \"{}\"; known: {}", trtype, fmt::join(known, ", ")));
}

Result<> Listeners::check(const PortName& name) const {
  const auto right = canonical(name);
  if (!right) return std::unexpected(right.error());
  if (*right != name)
    return fail(EINVAL, fmt::format("\"{}\" must be written {}", name.text(), right->text()));
  if (name.trsvcid == "0") return fail(EINVAL, "service id 0: hosts need a number to connect to, like 4420");
  return {};
}

Result<PortName> Listeners::canonical(const PortName& name) const {
  if (fabric::Transport* const transport = find_transport(name.trtype)) {
    const auto canonical = transport->canonical({.traddr = name.traddr, .trsvcid = name.trsvcid});
    if (!canonical) return std::unexpected(canonical.error());
    return PortName{name.trtype, canonical->traddr, canonical->trsvcid};
  }
  constexpr std::string_view kPlanned[] = {"fc", "loop", "pcie", "rdma"};
  if (std::ranges::find(kPlanned, name.trtype) == std::end(kPlanned))
    return no_transport(EINVAL, name.trtype);
  if (auto parsed = PortName::parse(name.text()); !parsed) return parsed;
  return name;
}

std::shared_ptr<Listeners::Entry> Listeners::find_or_make(const PortName& name) {
  const std::scoped_lock lock(mutex_);
  auto& found = entries_[name];
  if (found == nullptr) found = std::make_shared<Entry>();
  return found;
}

std::map<PortName, std::shared_ptr<Listeners::Entry>> Listeners::all() const {
  const std::scoped_lock lock(mutex_);
  return entries_;
}

void Listeners::forget_unused(Entry& entry, const PortName& name) {
  if (!entry.users.empty()) return;
  entry.is_gone = true;
  const std::scoped_lock lock(mutex_);
  entries_.erase(name);
}

std::vector<Result<>> Listeners::join(const PortName& name, std::span<const User> users) {
  while (true) {
    const auto its = find_or_make(name);
    const std::scoped_lock lock(its->mutex);
    if (its->is_gone) continue;
    std::vector<Result<>> results;
    // Under the entry's mutex: close() looks at each entry after it has set this.
    if (is_closed_) {
      WEFT_REACHED("config.listener_after_close");
      forget_unused(*its, name);
      results.assign(users.size(), fail(ECANCELED, "the daemon ends"));
      return results;
    }
    for (const User& user : users) results.push_back(add(*its, name, user));
    if (its->port != nullptr && its->listener == nullptr)
      if (const auto listening = listen(*its, name); !listening)
        for (auto& result : results)
          if (result) result = listening;
    forget_unused(*its, name);
    return results;
  }
}

Result<> Listeners::add(Entry& entry, const PortName& name, const User& user) {
  if (!entry.users.empty() && entry.users.front().advertise != user.advertise)
    return fail(EBUSY, fmt::format("addr_advertise \"{}\": {} has this listener with \"{}\"; one listener "
                                   "advertises one address",
                                   user.advertise, entry.users.front().path, entry.users.front().advertise));
  if (find_transport(name.trtype) == nullptr) {
    WEFT_REACHED("config.no_transport");
    return no_transport(EOPNOTSUPP, name.trtype);
  }
  if (entry.port == nullptr)
    if (auto made = make_port(entry, name, user); !made) return made;
  entry.users.push_back(user);
  if (user.subsystem == nullptr) {
    entry.port->list_all(true);
  } else {
    user.subsystem->set_ana_states(entry.port->options().id, user.ana, nullptr);
    entry.port->link(user.subsystem);
  }
  return {};
}

Result<> Listeners::make_port(Entry& entry, const PortName& name, const User& user) {
  const fabric::Transport& transport = *find_transport(name.trtype);
  if (auto kept = workshop_.state().assure({}, {name.text()}); !kept) {
    WEFT_REACHED("config.port_id_not_kept");
    workshop_.journal().note(
        user.path, fmt::format("{}: the port's id may be another after a restart", kept.error().message));
  }
  target::PortOptions options{.id = workshop_.state().port_id(name.text()),
                              .trtype = transport.trtype(),
                              .adrfam = transport.adrfam({.traddr = name.traddr, .trsvcid = name.trsvcid}),
                              .traddr = name.traddr,
                              .trsvcid = name.trsvcid,
                              .advertised = {}};
  if (options.id == PortId()) {
    WEFT_REACHED("config.listener_without_id");
    return fail(ENOSPC, "all 65535 port ids are given out");
  }
  if (auto advertised = parse_address(user.advertise))
    options.advertised = target::Advertised{advertised->traddr, advertised->trsvcid};
  auto port = target_.add_port(std::move(options));
  if (!port) return std::unexpected(std::move(port.error()));
  entry.port = std::move(*port);
  return {};
}

// All users leave again when it fails.
Result<> Listeners::listen(Entry& entry, const PortName& name) {
  auto listener =
      find_transport(name.trtype)->listen({.traddr = name.traddr, .trsvcid = name.trsvcid}, *entry.port);
  if (listener) {
    entry.listener = std::move(*listener);
    workshop_.journal().listening(name.text());
    return {};
  }
  WEFT_REACHED("config.cannot_listen");
  const std::string path = entry.users.front().path;
  for (const User& user : std::vector<User>(entry.users)) take_out(entry, user, nullptr);
  close(entry, path);
  return std::unexpected(std::move(listener.error()));
}

void Listeners::take_out(Entry& entry, const User& user, target::Done done) {
  if (user.subsystem == nullptr) {
    entry.port->list_all(false);
    if (done) done();
  } else {
    entry.port->unlink(*user.subsystem);
    user.subsystem->leave_port(entry.port->options().id, std::move(done));
  }
  std::erase_if(entry.users, [&user](const User& each) { return is_same(each, user); });
}

void Listeners::leave(const PortName& name, const User& user, target::Done done) {
  const auto its = find_or_make(name);
  const std::scoped_lock lock(its->mutex);
  if (std::ranges::any_of(its->users, [&](const User& each) { return is_same(each, user); })) {
    take_out(*its, user, std::exchange(done, nullptr));
    if (its->users.empty()) close(*its, user.path);
  }
  forget_unused(*its, name);
  if (done) done();
}

void Listeners::set_ana(const PortName& name, const User& user, target::Done done) {
  const PortId id = workshop_.state().port_id(name.text());
  if (user.subsystem != nullptr)
    user.subsystem->set_ana_states(id, user.ana, std::move(done));
  else if (done)
    done();
}

void Listeners::close(Entry& entry, const std::string& path) {
  entry.listener.reset();
  if (auto removed = target_.remove_port(entry.port->options().id); !removed)
    workshop_.journal().problem(path, removed.error().message);
  entry.port.reset();
}

std::vector<std::string> Listeners::listening() const {
  std::vector<std::string> names;
  for (const auto& [name, each] : all()) {
    const std::scoped_lock lock(each->mutex);
    if (each->listener != nullptr) names.push_back(name.text());
  }
  return names;
}

void Listeners::close() {
  is_closed_ = true;
  for (const auto& [name, each] : all()) {
    const std::scoped_lock lock(each->mutex);
    each->listener.reset();
  }
}

}  // namespace weft::config
