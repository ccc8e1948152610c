#include "sim/link.h"

#include <fmt/format.h>

#include <utility>

namespace weft::sim {

namespace {

class ControllerLink final : public Link, private host::ControllerObserver {
 public:
  ControllerLink(Loops& loops, fabric::Initiator& initiator, const host::Options& options, LinkOwner& owner)
      : owner_(owner), controller_(loops, initiator, options, *this) {
    controller_.start();
  }
  void stop() override { controller_.stop(); }
  std::vector<Lane> lanes() override {
    std::vector<Lane> all;
    for (std::size_t i = 0; i < controller_.io_queues(); ++i) {
      host::Queue& queue = controller_.io_queue(i);
      all.push_back({&queue.loop(), [&queue](host::Command& command) { queue.submit(command); }});
    }
    return all;
  }

 private:
  void on_live() override { owner_.on_up(fmt::format("controller {}", controller_.cntlid().value())); }
  void on_lost(const Error& why) override { owner_.on_down(why.message); }
  void on_event(const wire::AsyncEvent&) override {}
  void on_gone(const Error& why) override { owner_.on_gone(why.code == 0 ? "" : why.message); }

  LinkOwner& owner_;
  host::Controller controller_;
};

class PathsLink final : public Link {
 public:
  PathsLink(World& world, Loops& loops, host::NamespaceOptions options, LinkOwner& owner)
      : world_(world), owner_(owner), namespace_(host::Namespace::start(loops, std::move(options))) {
    look([this] {
      if (!namespace_->is_decided()) return false;
      if (const Result<> settled = namespace_->settle(); settled)
        owner_.on_up("several paths");
      else if (namespace_->is_gone())
        owner_.on_gone(settled.error().message);
      else
        return false;  // they are still tried
      return true;
    });
  }
  void stop() override {
    namespace_->stop();
    look([this] {
      if (!namespace_->is_gone()) return false;
      owner_.on_gone("");
      return true;
    });
  }
  void die() override { is_dead_ = true; }
  std::vector<Lane> lanes() override {
    std::vector<Lane> all;
    for (std::size_t i = 0; i < namespace_->io_queues(); ++i) {
      host::IoQueue& queue = namespace_->io_queue(i);
      all.push_back({&queue.loop(), [&queue](host::Command& command) { queue.submit(command); }});
    }
    return all;
  }
  std::vector<std::string> usable_ports() const override {
    std::vector<std::string> all;
    for (const host::PathState& path : namespace_->paths())
      if (path.is_accessible()) all.push_back(path.address.trsvcid);
    return all;
  }
  std::string complaint() const override {
    for (const host::PathState& path : namespace_->paths())
      if (!path.is_accessible())
        return fmt::format(
            "its path by port {}, which is {}, is not used, though it could be; last it said \"{}\"",
            path.address.trsvcid, host::name(path.kind), path.why.message);
    return {};
  }

 private:
  // Until it is true.
  void look(std::function<bool()> condition) {
    world_.after(std::chrono::milliseconds(1), [this, condition = std::move(condition)]() mutable {
      if (!is_dead_ && !condition()) look(std::move(condition));
    });
  }

  World& world_;
  LinkOwner& owner_;
  const std::unique_ptr<host::Namespace> namespace_;
  bool is_dead_ = false;
};

}  // namespace

std::unique_ptr<Link> connect_controller(Loops& loops, fabric::Initiator& initiator,
                                         const host::Options& options, LinkOwner& owner) {
  return std::make_unique<ControllerLink>(loops, initiator, options, owner);
}

std::unique_ptr<Link> connect_paths(World& world, Loops& loops, host::NamespaceOptions options,
                                    LinkOwner& owner) {
  return std::make_unique<PathsLink>(world, loops, std::move(options), owner);
}

}  // namespace weft::sim
