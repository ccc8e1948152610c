// The host's end of a connection within the process.  All of it belongs to the host's loop, but for what the
// target's end calls.
#pragma once

#include "base/intrusive.h"
#include "base/loop.h"
#include "base/tag_table.h"
#include "fabric/initiator.h"
#include "transports/loop/command.h"
#include "transports/loop/inbox.h"

namespace weft::loop {

class TargetEnd;
struct Shared;

class HostEnd final : public fabric::HostConnection {
 public:
  HostEnd(Shared& shared, Loop& loop, fabric::HostConnectionOwner& owner);
  ~HostEnd() override;

  void submit(fabric::HostCommand& command) override;
  void set_in_capsule_bytes(std::uint32_t) override {}
  void close() override;

  // Of the target's loop.
  void put_back(Outbox<LoopCommand>& commands);
  void target_ended();
  void target_gone();  // the last call

 private:
  enum class State : std::uint8_t { opening, open, ended, closed };

  void connect();
  void refuse(int code, const char* why);
  void ready(TargetEnd* target);
  void hand_over();
  void take_back();
  void finish();

  Shared& shared_;
  Loop& loop_;
  fabric::HostConnectionOwner& owner_;
  State state_ = State::opening;
  bool connecting_ = false;  // the target's end is being made
  bool closes_ = false;
  TargetEnd* target_ = nullptr;
  TagTable<LoopCommand> tags_;
  Outbox<LoopCommand> outbox_;  // until the end of the turn
  MemberTask<HostEnd, &HostEnd::connect> connect_{*this};
  MemberTask<HostEnd, &HostEnd::hand_over> hand_over_{*this};
  MemberTask<HostEnd, &HostEnd::finish> finish_{*this};
  // What the target's loop writes is on a cache line of its own.
  alignas(64) Inbox<LoopCommand> inbox_;
  MemberTask<HostEnd, &HostEnd::take_back> take_back_{*this};
};

}  // namespace weft::loop
