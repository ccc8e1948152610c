// What filters share.  A filter is a Backend over a Backend, and its Channel one over a Channel; it owns the
// requests that it sends down, so that the submitter's stay untouched until they are answered.
#pragma once

#include <memory>
#include <string>

#include "base/loop.h"
#include "base/slab.h"
#include "block/backend.h"

namespace weft::block {

// Name, serial, geometry and resizes are those of the backend below, unless the filter says otherwise.
class FilterBackend : public Backend {
 public:
  explicit FilterBackend(std::shared_ptr<Backend> lower)
      : Backend(lower->name(), lower->serial()), lower_(std::move(lower)) {
    lower_->add_observer(relay_);
  }
  ~FilterBackend() override { lower_->remove_observer(relay_); }

  Geometry geometry() const override { return lower_->geometry(); }
  Result<> refresh() override { return lower_->refresh(); }
  std::string info() const override { return lower_->info(); }

 protected:
  Backend& lower() { return *lower_; }
  const Backend& lower() const { return *lower_; }

 private:
  // An object of its own: the backend below may tell it while the filter, of which this is a base, is being
  // made or destroyed.
  struct Relay final : BackendObserver {
    explicit Relay(FilterBackend& its_filter) : filter(its_filter) {}
    void geometry_changed() override { filter.notify_geometry_changed(); }
    FilterBackend& filter;
  };

  const std::shared_ptr<Backend> lower_;
  Relay relay_{*this};
};

struct ChildRequest : Request {
  Request* parent = nullptr;
  void* channel = nullptr;
};

// Child derives from ChildRequest and adds what the filter keeps for each request.
template <class Child>
class FilterChannel : public Channel {
 protected:
  FilterChannel(Loop& loop, Backend& lower) : loop_(loop), lower_(lower.open_channel(loop)) {}

  Loop& loop() { return loop_; }

  // A child that asks for what its parent asks for.
  Child& adopt(Request& parent) {
    Child& child = children_.take();
    child.op = parent.op;
    child.fua = parent.fua;
    child.may_unmap = parent.may_unmap;
    child.lba = parent.lba;
    child.blocks = parent.blocks;
    child.data = parent.data;
    child.parent = &parent;
    child.channel = this;
    child.done = &FilterChannel::child_done;
    return child;
  }

  void pass_down(Child& child) { lower_->submit(child); }

  // The last that the channel does for a request: the answer may destroy it.
  void finish(Child& child, int error) {
    Request& parent = *child.parent;
    children_.give_back(child);
    parent.error = error;
    parent.done(parent);
  }

  // The backend below has answered.
  virtual void on_done(Child& child) { finish(child, child.error); }

 private:
  static void child_done(Request& request) noexcept {
    auto& child = static_cast<Child&>(request);
    static_cast<FilterChannel*>(child.channel)->on_done(child);
  }

  Loop& loop_;
  std::unique_ptr<Channel> lower_;
  Slab<Child> children_;
};

}  // namespace weft::block
