// A namespace of a target as a backend: what any export, and any namespace of ours, can be made from.
//
// It survives lost connections as its session does.  A changed size is noticed by the target's events.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "block/backend.h"
#include "host/admin_requests.h"
#include "host/session.h"

namespace weft::host {

class RemoteBackend final : public block::Backend {
 public:
  // Connects, with a queue on each loop.  Blocks; not on a loop.  The namespace is `nsid`, or the only one
  // when that is 0.  Loops and initiator outlive it.
  static Result<std::shared_ptr<RemoteBackend>> open(Loops& loops, fabric::Initiator& initiator,
                                                     Options options, Nsid nsid, std::string name);
  ~RemoteBackend() override;  // may block for a shutdown
  // From now on requests fail, those that wait for the target too.  Any thread.
  void stop() { session_->stop(); }

  block::Geometry geometry() const override;
  std::unique_ptr<block::Channel> open_channel(Loop& loop) override;
  Result<> refresh() override;
  std::string info() const override;

  Nsid nsid() const { return info_.nsid; }              // any thread
  const Session& session() const { return *session_; }  // any thread

 private:
  class Channel;
  struct Look : Command {
    RemoteBackend* backend = nullptr;
    iovec piece{};
  };

  RemoteBackend(std::string name, const Uuid& serial) : Backend(std::move(name), serial) {}
  void on_event(const wire::AsyncEvent& event);
  void look();
  static void on_log_read(Command& command) noexcept;
  static void on_identified(Command& command) noexcept;
  void take_size(std::uint64_t blocks);

  NamespaceInfo info_;  // blocks: as it was at first
  std::mutex telling_;  // who finds a size in its place knows that observers were told of it
  std::atomic<std::uint64_t> blocks_{0};
  bool has_write_cache_ = false;
  bool discards_ = false;

  // What is asked after an event; of the controller's loop.
  bool looking_ = false;
  bool look_again_ = false;
  Look look_;
  wire::ChangedNamespaceList changed_{};
  wire::IdentifyNamespace identified_{};

  std::unique_ptr<Session> session_;  // goes first: its loop uses the rest until then
};

}  // namespace weft::host
