#include "config/device.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/reached.h"
#include "config/document_rows.h"

namespace weft::config {

namespace {

constexpr std::chrono::seconds kClosePatience{2};

template <class Range>
std::string names_of(const Range& range) {
  std::vector<std::string_view> names;
  for (const auto& each : range) names.push_back(each.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// What a revision has room for: 1.2 of 1.2.3.
std::string short_version() {
  const std::string version = target::SubsystemSettings().firmware;
  return version.substr(0, version.rfind('.'));
}

}  // namespace

Result<const block::Plugin*> find_plugin(std::span<const block::Plugin> plugins, std::string_view adapter) {
  const std::string_view name = adapter.substr(0, adapter.rfind('_'));
  const auto it = std::ranges::find(plugins, name, &block::Plugin::name);
  if (it != plugins.end()) return &*it;
  return fail(EINVAL, fmt::format("there is no such plugin; known: {}", names_of(plugins)));
}

Result<> check_control_key(const block::Plugin& plugin, std::string_view key, std::string_view value) {
  if (std::ranges::find(plugin.keys, key, &block::ControlKey::name) != plugin.keys.end()) return {};
  return fail(EINVAL, fmt::format("\"{}\": unknown key; known here: {}", value, names_of(plugin.keys)));
}

Device::Device(std::shared_ptr<Workshop> workshop, std::string name, const block::Plugin& plugin)
    : workshop_(std::move(workshop)), name_(std::move(name)), plugin_(plugin) {
  entry_.enable = false;
}

Device::State Device::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

DeviceEntry Device::entry() const {
  const std::scoped_lock lock(mutex_);
  return entry_;
}

std::shared_ptr<block::Backend> Device::backend() const {
  const std::scoped_lock lock(mutex_);
  return backend_;
}

Result<> Device::check_closed() const {
  if (state_ == State::closed) return {};
  return fail(EBUSY, "it is enabled: this cannot change any more; remove the device and make it anew");
}

Result<> Device::set_control(const block::ControlValues& values) {
  for (const auto& [key, value] : values)
    if (auto known = check_control_key(plugin_, key, value); !known) return known;
  const std::scoped_lock lock(mutex_);
  if (auto closed = check_closed(); !closed) return closed;
  for (const auto& [key, value] : values) entry_.control.insert_or_assign(key, value);
  keep();
  return {};
}

DeviceIdentity Device::completed(DeviceIdentity identity) const {
  const auto fill = [](std::string& field, std::string_view with, std::size_t most) {
    if (field.empty()) field = with.substr(0, most);
  };
  fill(identity.vendor_id, "WEFT", 8);
  fill(identity.product_id, plugin_.name, 16);
  fill(identity.revision, short_version(), 4);
  if (!identity.unit_serial && backend_ != nullptr) identity.unit_serial = backend_->serial();
  return identity;
}

DeviceIdentity Device::identity() const {
  const std::scoped_lock lock(mutex_);
  return completed(entry_.identity);
}

Result<> Device::change_identity(const std::function<Result<>(DeviceIdentity&)>& change) {
  const std::scoped_lock lock(mutex_);
  DeviceIdentity next = entry_.identity;
  if (auto changed = change(next); !changed) return changed;
  if (completed(next) != completed(entry_.identity))
    if (auto closed = check_closed(); !closed) return closed;
  entry_.identity = std::move(next);
  keep();
  return {};
}

bool Device::identifies_as(const DeviceIdentity& wanted) const {
  const std::scoped_lock lock(mutex_);
  // A serial that is no longer asked for is another one from the next opening on.
  if (entry_.identity.unit_serial && !wanted.unit_serial) return false;
  return completed(wanted) == completed(entry_.identity);
}

DeviceNotes Device::notes() const {
  const std::scoped_lock lock(mutex_);
  return entry_.notes;
}

void Device::change_notes(const std::function<void(DeviceNotes&)>& change) {
  const std::scoped_lock lock(mutex_);
  change(entry_.notes);
  keep();
}

void Device::keep_new() {
  const std::scoped_lock lock(mutex_);
  keep();
}

void Device::keep() {
  if (state_ != State::gone) workshop_->store().put(device_row(name_), row_value(entry_));
}

void Device::enable(Asked asked, Answer answer) {
  block::OpenOptions options{.name = name_, .serial = {}, .control = {}};
  bool stays_asked = asked == Asked::by_the_configuration;
  {
    const std::scoped_lock lock(mutex_);
    if (state_ != State::closed) {
      if (state_ == State::gone) {
        WEFT_REACHED("config.enable_of_removed_device");
        return answer(fail(ENOENT, "it is being removed"));
      }
      return answer(state_ == State::open ? fail(EEXIST, "it is enabled already")
                                          : fail(EALREADY, "it opens already, and may hang"));
    }
    state_ = State::opening;
    stays_asked = std::exchange(entry_.enable, true) || stays_asked;
    keep();  // now: a namespace that is linked to it meanwhile must find it enabled after a restart
    options.control = entry_.control;
    options.serial = entry_.identity.unit_serial.value_or(Uuid{});
  }
  workshop_->openers.run([self = shared_from_this(), options = std::move(options), stays_asked,
                          answer = std::move(answer)]() mutable {
    if (options.serial.is_nil()) options.serial = self->kept_serial();
    self->opened(self->open_backend(options), stays_asked, std::move(answer));
  });
}

// A removal answers when the name is free, and the device of that name may still close what this one opens.
Result<std::shared_ptr<block::Backend>> Device::open_backend(const block::OpenOptions& options) const {
  const auto until = std::chrono::steady_clock::now() + kClosePatience;
  while (true) {
    const std::size_t seen = workshop_->goings_on->ended();
    auto backend = plugin_.open(options);
    if (backend || backend.error().code != EBUSY || !workshop_->goings_on->wait_for_end(seen, until))
      return backend;
  }
}

// Belongs to the data: another backend of the same name later gets it again where it finds the same data.
Uuid Device::kept_serial() {
  const Workshop::Visit visit(*workshop_);
  if (!plugin_.keeps_data || !visit) return StateStore::random_uuid();
  if (auto kept = workshop_->state().assure({name_}, {}); !kept) {
    WEFT_REACHED("config.serial_not_kept");
    workshop_->journal().note(
        path(), fmt::format("{}: its new unit serial will not be the same after a restart; choose "
                            "another --state-dir, or name it in vpd_unit_serial",
                            kept.error().message));
  }
  return workshop_->state().unit_serial(name_);
}

void Device::opened(Result<std::shared_ptr<block::Backend>> result, bool stays_asked, Answer answer) {
  const Workshop::Visit visit(*workshop_);
  std::vector<std::shared_ptr<DeviceUser>> users;
  std::unique_lock lock(mutex_);
  if (state_ == State::gone || !visit) {
    WEFT_REACHED("config.device_removed_while_it_opened");
    auto closed = std::move(closed_);
    lock.unlock();
    result = fail(ECANCELED, "it was removed while it opened");  // closes it
    if (closed) closed();
    return answer(fail(ECANCELED, "it was removed while it opened"));
  }
  if (!result) {
    WEFT_REACHED("config.device_cannot_be_opened");
    state_ = State::closed;
    open_error_ = result.error().message;
    if (!stays_asked) {
      entry_.enable = false;
      keep();
    }
    lock.unlock();
    return answer(std::unexpected(std::move(result.error())));
  }
  const auto tell = [self = shared_from_this()] {
    std::move_only_function<void()> closed;
    {
      const std::scoped_lock its(self->mutex_);
      closed = std::move(self->closed_);
    }
    if (closed) closed();
  };
  backend_ = workshop_->keeper.keep(std::move(*result), tell);
  state_ = State::open;
  const auto backend = backend_;
  users = users_;
  lock.unlock();
  workshop_->journal().note(path(), "open: " + backend->info());
  for (const auto& user : users) user->device_opened(backend);
  answer({});
}

Result<> Device::remove(std::move_only_function<void()> closed) {
  std::shared_ptr<block::Backend> last;  // let go without the lock
  {
    const std::scoped_lock lock(mutex_);
    if (state_ == State::gone) return fail(ENOENT, "it is being removed");
    if (!users_.empty()) {
      WEFT_REACHED("config.device_in_use");
      return fail(EBUSY, fmt::format("{} shows it to hosts: remove its link first", users_.front()->path()));
    }
    const State before = std::exchange(state_, State::gone);
    workshop_->store().erase(device_row(name_));
    if (before != State::closed) closed_ = std::exchange(closed, nullptr);
    last = std::move(backend_);
  }
  if (closed) closed();
  return {};
}

void Device::refresh() {
  const std::scoped_lock lock(mutex_);
  if (state_ != State::open || std::exchange(refreshing_, true)) return;
  workshop_->refreshers.run(
      [self = shared_from_this(), backend = backend_] { self->refreshed(backend->refresh()); });
}

void Device::refreshed(const Result<>& result) {
  const Workshop::Visit visit(*workshop_);
  const std::string error = result ? "" : result.error().message;
  {
    const std::scoped_lock lock(mutex_);
    refreshing_ = false;
    if (std::exchange(last_refresh_error_, error) == error) return;
  }
  if (visit && !error.empty()) {
    WEFT_REACHED("config.device_cannot_be_refreshed");
    workshop_->journal().problem(path(), error);
  }
}

Result<std::shared_ptr<block::Backend>> Device::add_user(std::shared_ptr<DeviceUser> user,
                                                         WhenClosed when_closed) {
  const std::scoped_lock lock(mutex_);
  const bool waits = state_ == State::closed && when_closed == WhenClosed::wait;
  if (state_ == State::closed && !open_error_.empty() && !waits)
    return fail(ENODEV, fmt::format("device \"{}\": it did not open: {}", path(), open_error_));
  if (state_ != State::open && state_ != State::opening && !waits)
    return fail(EINVAL, fmt::format("device \"{}\": there is none that is enabled", path()));
  users_.push_back(std::move(user));
  return backend_;
}

void Device::remove_user(const DeviceUser& user) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(users_, [&](const auto& each) { return each.get() == &user; });
}

}  // namespace weft::config
