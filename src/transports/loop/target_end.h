// The target's end of a connection within the process.  All of it belongs to its loop.
//
// Life: HostEnd has it made on a loop of the transport's choice; it hands commands to its queue until the
// host or the target closes.  It goes, and tells the host's end so, once its queue has retired and the host
// puts nothing more into its inbox.
#pragma once

#include <memory>

#include "base/intrusive.h"
#include "base/loop.h"
#include "fabric/fabric.h"
#include "transports/loop/command.h"
#include "transports/loop/inbox.h"

namespace weft::loop {

class HostEnd;
struct Origin;
struct Shared;

class TargetEnd final : public fabric::Connection, public ListHook<> {
 public:
  // On its loop, which was acquired for it.
  TargetEnd(Shared& shared, Loop& loop, std::shared_ptr<Origin> origin, HostEnd& host);

  Loop& loop() override { return loop_; }
  const fabric::Path& path() const override { return path_; }
  wire::SglSupport sgl_support() const override { return wire::SglSupport::transport; }
  void established(const fabric::QueueLimits&) override {}
  void pull(fabric::Command& command, fabric::Pull& pull) override;
  void complete(fabric::Command& command, const wire::Cqe& cqe) override;
  void complete(fabric::Command& command, const wire::Cqe& cqe, fabric::DataOut& data) override;
  void abandon(fabric::Command& command) override;
  void close(fabric::CloseReason reason) override;
  void retire() override;

  void put(Outbox<LoopCommand>& commands);  // of the host's loop
  void host_closed();

 private:
  ~TargetEnd() = default;
  void receive();
  void receive_all();
  void settle();
  void settle_all();
  void end_queue();
  void destroy_if_over();
  void finish(LoopCommand& command);

  Shared& shared_;
  Loop& loop_;
  const std::shared_ptr<Origin> origin_;
  HostEnd& host_;
  const fabric::Path path_;
  fabric::Queue* queue_ = nullptr;  // until disconnected
  bool closing_ = false;
  bool host_closed_ = false;
  bool retired_ = false;
  // What the host's loop writes is on a cache line of its own.
  alignas(64) Inbox<LoopCommand> inbox_;
  MemberTask<TargetEnd, &TargetEnd::receive> receive_{*this};
  alignas(64) List<LoopCommand> pulled_;  // told so at the end of the turn
  List<LoopCommand> finished_;            // likewise, and then sent back
  MemberTask<TargetEnd, &TargetEnd::settle> settle_{*this};
  MemberTask<TargetEnd, &TargetEnd::end_queue> end_queue_{*this};
};

}  // namespace weft::loop
