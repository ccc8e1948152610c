// A backend in the configuration, target/core/<plugin>_<N>/<device>: what it is opened with, and the open
// backend.  Its lock is its own; it is not held while a backend opens, closes or is looked at.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "block/plugin.h"
#include "config/document.h"
#include "config/last_error.h"
#include "config/tree.h"
#include "config/workshop.h"

namespace weft::config {

// Who shows a device to hosts.  Told without any lock of the device, on any thread.
class DeviceUser {
 public:
  virtual void device_opened(std::shared_ptr<block::Backend> backend) = 0;
  virtual std::string path() const = 0;  // of the namespace, for people

 protected:
  ~DeviceUser() = default;
};

// Any thread but a loop's.
class Device : public std::enable_shared_from_this<Device> {
 public:
  enum class State : std::uint8_t { closed, opening, open, gone };

  // `name` is <plugin>_<N>/<device>; the plugin outlives it.
  Device(std::shared_ptr<Workshop> workshop, std::string name, const block::Plugin& plugin);

  const std::string& name() const { return name_; }
  std::string path() const { return "target/core/" + name_; }
  const block::Plugin& plugin() const { return plugin_; }

  State state() const;
  DeviceEntry entry() const;
  std::shared_ptr<block::Backend> backend() const;  // null while it is not open

  // EBUSY once it is enabled, EINVAL for a key that the plugin does not have.
  Result<> set_control(const block::ControlValues& values);  // all of them or none
  // Who it says it is: what nobody has set comes from Weft, the plugin and the open backend.
  DeviceIdentity identity() const;
  // EBUSY once it is enabled, unless it says so already.
  Result<> change_identity(const std::function<Result<>(DeviceIdentity&)>& change);
  // Whether a device that is configured so would say the same.
  bool identifies_as(const DeviceIdentity& wanted) const;
  DeviceNotes notes() const;
  void change_notes(const std::function<void(DeviceNotes&)>& change);  // at any time
  const std::shared_ptr<LastError>& last_error() const { return last_error_; }

  // Answers when it is open, or why it is not: then it may be tried again.  EEXIST: it is open; EALREADY: it
  // is opening.  What the configuration says stays asked for when it fails, a person's try does not.
  enum class Asked : std::uint8_t { by_a_person, by_the_configuration };
  void enable(Asked asked, Answer answer);
  // Of one that was just made; see Store.
  void keep_new();
  // The name is free when this returns; `closed` is called when nothing has the backend any more, which may
  // be never. EBUSY: somebody uses it.
  Result<> remove(std::move_only_function<void()> closed);
  // Looks at its size, behind the caller's back.
  void refresh();

  // The user is told when it opens, unless it is open: then the backend is returned.
  enum class WhenClosed : std::uint8_t { refuse, wait };  // refuse: EINVAL, it is not enabled
  Result<std::shared_ptr<block::Backend>> add_user(std::shared_ptr<DeviceUser> user, WhenClosed when_closed);
  void remove_user(const DeviceUser& user);

 private:
  Result<> check_closed() const;  // the mutex is held
  void keep();                    // likewise, as in the next
  DeviceIdentity completed(DeviceIdentity identity) const;
  Uuid kept_serial();
  Result<std::shared_ptr<block::Backend>> open_backend(const block::OpenOptions& options) const;
  void opened(Result<std::shared_ptr<block::Backend>> result, bool stays_asked, Answer answer);
  void refreshed(const Result<>& result);

  const std::shared_ptr<Workshop> workshop_;
  const std::string name_;
  const block::Plugin& plugin_;
  mutable std::mutex mutex_;
  State state_ = State::closed;
  DeviceEntry entry_;
  std::string open_error_;
  const std::shared_ptr<LastError> last_error_ = std::make_shared<LastError>();
  std::shared_ptr<block::Backend> backend_;
  std::vector<std::shared_ptr<DeviceUser>> users_;
  std::move_only_function<void()> closed_;
  bool refreshing_ = false;
  std::string last_refresh_error_;
};

// Of "<plugin>_<N>".  EINVAL: there is none; names those that are known.
Result<const block::Plugin*> find_plugin(std::span<const block::Plugin> plugins, std::string_view adapter);
// EINVAL: the plugin does not have the key; names those that it has.
Result<> check_control_key(const block::Plugin& plugin, std::string_view key, std::string_view value);

}  // namespace weft::config
