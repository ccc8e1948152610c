// A subsystem: its settings, who may use it, its namespaces, and its controllers.  One lock for each
// subsystem covers all of it; no lock covers two subsystems, and none is held while commands drain or while a
// backend is opened.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "target/snapshot.h"
#include "target/view.h"
#include "wire/status.h"

namespace weft::target {

class Controller;
class Target;

struct NamespaceOptions {
  std::shared_ptr<block::Backend> backend;
  std::optional<Uuid> uuid;    // default: v5 of (unit serial, subsystem NQN, nsid)
  std::optional<Nguid> nguid;  // likewise
  AnaGroupId ana_group{1};
  bool read_only = false;
};

// Called once, from any thread, when a removal counts as done: no command admitted before can touch the
// backend.
using Done = std::move_only_function<void()>;

class Subsystem : public std::enable_shared_from_this<Subsystem> {
 public:
  enum class Kind : std::uint8_t { nvm, discovery };

  Subsystem(Target& target, std::string nqn, Kind kind);
  ~Subsystem();
  Subsystem(const Subsystem&) = delete;
  Subsystem& operator=(const Subsystem&) = delete;

  const std::string& nqn() const { return nqn_; }
  Kind kind() const { return kind_; }
  Target& target() { return target_; }

  // --- configuration.  Any thread but a loop's; returns before what it causes has settled.
  SubsystemSettings settings() const;
  // Hosts that were allowed only as any host lose their controllers when that ends.
  Result<> change_settings(const std::function<Result<>(SubsystemSettings&)>& change);
  // Settings and the whole list at once: a host that is allowed before and after notices nothing.
  Result<> configure(const SubsystemSettings& settings, std::set<std::string, std::less<>> hosts);
  Result<> add_host(const std::string& hostnqn);                // EINVAL while any host is allowed; EEXIST
  Result<> remove_host(const std::string& hostnqn, Done done);  // ends that host's controllers
  std::vector<std::string> hosts() const;
  Result<> add_namespace(Nsid nsid, const NamespaceOptions& options);  // EEXIST, EINVAL, ENOSPC
  Result<> remove_namespace(Nsid nsid, Done done);                     // ENOENT
  Result<> set_ana_group(Nsid nsid, AnaGroupId group, Done done);      // ENOENT
  // How its groups are reached through a port, which tells its hosts.
  void set_ana_states(PortId port, const AnaStates& states, Done done);
  // The port does not offer it any more: ends the controllers that came by it.
  void leave_port(PortId port, Done done);
  // Ends all controllers and refuses new ones.  The target has already forgotten the name.
  void shut_down(Done done);

  std::shared_ptr<const Snapshot> snapshot() const;  // any thread
  // A host has asked who it is: what it was told must not change any more.  Any thread.
  bool is_identified() const { return identified_.load(std::memory_order_relaxed); }
  void set_identified() { identified_.store(true, std::memory_order_relaxed); }

  // --- for loops and controllers
  bool admits_host(std::string_view hostnqn) const;
  // Registers the loop for publications and says what is in force.
  std::shared_ptr<const Snapshot> attach_loop(unsigned loop);
  void detach_loop(unsigned loop);

  // Success: it has a new id.  Else Connect Invalid Host (not on the list; decided together with the entry,
  // so that nobody slips in beside the removal of a host), or Connect Controller Busy (no id is free, or the
  // subsystem is going).
  wire::Status add_controller(const std::shared_ptr<Controller>& controller);
  void remove_controller(Cntlid cntlid);
  std::shared_ptr<Controller> find_controller(Cntlid cntlid) const;
  std::vector<std::shared_ptr<Controller>> controllers() const;

 private:
  struct Attachment;  // watches a namespace's backend

  void publish(std::unique_lock<std::mutex>& lock, std::shared_ptr<Snapshot> next, const Pin& pin,
               const std::vector<Nsid>& changed);
  void geometry_changed(Nsid nsid);
  // Under the mutex.
  bool is_admitted(std::string_view hostnqn) const;
  void publish_access(std::unique_lock<std::mutex>& lock, std::shared_ptr<Snapshot> next);
  // Publishes so that `pin` waits for every command that was admitted before, and ends those controllers.
  void publish_end(std::unique_lock<std::mutex>& lock, std::shared_ptr<Snapshot> next, const Pin& pin,
                   const std::function<bool(const Controller&)>& ends);
  void publish_ana(std::unique_lock<std::mutex>& lock, std::shared_ptr<Snapshot> next, const Pin& pin,
                   const std::function<bool(const Controller&)>& concerns);
  std::vector<std::shared_ptr<Controller>> controllers_that(
      const std::function<bool(const Controller&)>& condition) const;

  Target& target_;
  const std::string nqn_;
  const Kind kind_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::map<Nsid, std::unique_ptr<Attachment>> attachments_;
  std::set<std::string, std::less<>> hosts_;
  std::map<std::uint16_t, std::shared_ptr<Controller>> controllers_;
  std::uint16_t next_cntlid_ = 0;
  std::vector<std::uint32_t> attached_loops_;  // users by loop index
  bool going_ = false;
  std::atomic<bool> identified_ = false;
};

}  // namespace weft::target
