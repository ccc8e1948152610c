// How a simulated host reaches its disk: by one controller, whose losses it sees, or by several paths of the
// host library's multipath, which hides them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/controller.h"
#include "host/namespace.h"
#include "sim/world.h"

namespace weft::sim {

class LinkOwner {
 public:
  virtual void on_up(const std::string& how) = 0;
  virtual void on_down(const std::string& why) = 0;
  virtual void on_gone(const std::string& why) = 0;  // empty: by stop()

 protected:
  ~LinkOwner() = default;
};

// Queue i is on the loop of lane i.
struct Lane {
  Loop* loop;
  std::function<void(host::Command&)> submit;
};

class Link {
 public:
  virtual ~Link() = default;
  virtual void stop() = 0;
  virtual void die() {}                   // its process is no more: nothing is told from now on
  virtual std::vector<Lane> lanes() = 0;  // from on_up on
  // The ports of the paths that take commands now, for whom has several.
  virtual std::vector<std::string> usable_ports() const { return {}; }
  // What it still holds to be broken when all has been whole for a while; empty: nothing.
  virtual std::string complaint() const { return {}; }
};

std::unique_ptr<Link> connect_controller(Loops& loops, fabric::Initiator& initiator,
                                         const host::Options& options, LinkOwner& owner);
// Not to be destroyed: that blocks.
std::unique_ptr<Link> connect_paths(World& world, Loops& loops, host::NamespaceOptions options,
                                    LinkOwner& owner);

}  // namespace weft::sim
