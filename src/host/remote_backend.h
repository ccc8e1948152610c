// A namespace of a target as a backend: what any export, and any namespace of ours, can be made from.
//
// It survives lost paths as host::Namespace does.  A changed size is noticed by the target's events.
#pragma once

#include <memory>
#include <string>

#include "block/backend.h"
#include "host/namespace.h"

namespace weft::host {

class RemoteBackend final : public block::Backend {
 public:
  // With a queue on each loop.  Blocks; not on a loop.  Loops and initiators outlive it.
  static Result<std::shared_ptr<RemoteBackend>> open(Loops& loops, NamespaceOptions options,
                                                     std::string name);
  ~RemoteBackend() override;  // may block for a shutdown
  // From now on requests fail, those that wait for the target too.  Any thread.
  void stop() { remote_->stop(); }

  block::Geometry geometry() const override;
  std::unique_ptr<block::Channel> open_channel(Loop& loop) override;
  Result<> refresh() override;
  std::string info() const override;

  const Namespace& remote() const { return *remote_; }  // any thread

 private:
  class Channel;

  RemoteBackend(std::string name, const Uuid& serial) : Backend(std::move(name), serial) {}

  std::unique_ptr<Namespace> remote_;  // goes first: its loops use the rest until then
};

}  // namespace weft::host
