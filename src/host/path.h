// One way to a namespace: a controller, what Identify says of the namespace there, and its asymmetric access
// (NVMe Base 2.1, section 8.1.1).  It looks again when the controller came back, when the target tells of a
// change, and when a command was refused because of the path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/loop.h"
#include "base/result.h"
#include "host/controller.h"
#include "host/io_queue.h"
#include "host/namespace_info.h"
#include "wire/log_page.h"

namespace weft::host {

class Path;

// Told on the path's loop.
class PathOwner {
 public:
  // The namespace is there.  An error: it cannot be used here, and this is why.
  virtual Result<> on_path_known(Path& path, const NamespaceInfo& info, Access access) = 0;
  // No commands now.  The path tries again, unless it has gone.
  virtual void on_path_down(Path& path) = 0;
  // The number of a question for the namespace's size: greater than those of all that were asked before.
  virtual std::uint64_t number_question() = 0;

 protected:
  ~PathOwner() = default;
};

// As people ask for it.
struct PathState {
  enum class Kind : std::uint8_t { connecting, live, unusable, lost, gone };
  Kind kind = Kind::connecting;
  Address address;
  std::optional<wire::AnaState> ana;  // of the namespace's group; empty: the target has no such states
  unsigned losses = 0;                // how often it was lost
  Error why;                          // of the last loss, or why it is unusable
  bool is_accessible() const;         // it takes commands now
};
std::string_view name(PathState::Kind kind);

class Path final : private ControllerObserver {
 public:
  // The namespace is `nsid`, or the only one when that is 0.
  Path(Loops& loops, fabric::Initiator& initiator, const Options& options, Nsid nsid, std::size_t index,
       PathOwner& owner);

  // Any thread.
  void start() { controller_.start(); }
  void stop() { controller_.stop(); }
  void doubt();  // a command was refused
  PathState state() const;
  bool is_gone() const { return state().kind == PathState::Kind::gone; }
  std::size_t index() const { return index_; }
  Controller& controller() { return controller_; }
  std::uint64_t question() const {
    return question_;
  }  // what on_path_known answers; on the controller's loop

 private:
  using Next = void (Path::*)();
  struct Step : Command {
    Path* path = nullptr;
    Next next = nullptr;
    const char* what = "";
    iovec piece{};
  };

  void on_live() override;
  void on_lost(const Error& why) override;
  void on_event(const wire::AsyncEvent& event) override;
  void on_gone(const Error& why) override;
  void down(PathState::Kind kind, const Error& why);

  void look();
  void ask(const wire::Sqe& sqe, void* data, std::size_t bytes, Next next, const char* what);
  static void on_step(Command& command) noexcept;
  void have_changes();
  void have_list();
  void have_namespace();
  void have_descriptors();
  void have_access();
  void known(Access access);
  void unusable(const Error& why);
  void looked();

  const std::size_t index_;
  const Nsid wanted_;
  PathOwner& owner_;

  bool live_ = false;
  bool looking_ = false;
  bool look_again_ = false;
  Nsid nsid_;
  std::uint64_t question_ = 0;
  NamespaceInfo info_;
  std::optional<wire::AnaState> ana_;
  std::vector<std::byte> page_;
  Step step_;
  MemberTimer<Path, &Path::look> soon_{*this};

  mutable std::mutex mutex_;  // of what follows
  PathState state_;

  Controller controller_;  // goes first
};

}  // namespace weft::host
