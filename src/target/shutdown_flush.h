// A normal shutdown: every namespace's backend is flushed before CSTS says that the shutdown is complete
// (NVMe Base 2.1, section 3.6).  Lives on the controller's loop until the last flush has ended, even when the
// controller has gone meanwhile.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "block/request.h"

namespace weft::target {

class Controller;
class LoopState;
class NamespaceView;
class Queue;
class SubsystemView;

class ShutdownFlush {
 public:
  // Tells the controller when all have ended.
  static void start(std::shared_ptr<Controller> controller, Queue& admin_queue);

 private:
  struct Item : block::Request {
    ShutdownFlush* owner = nullptr;
    NamespaceView* ns = nullptr;
  };

  ShutdownFlush(std::shared_ptr<Controller> controller, LoopState& state, SubsystemView& view)
      : controller_(std::move(controller)), state_(state), view_(view) {}
  static void flushed(block::Request& request) noexcept;
  void one_less();

  const std::shared_ptr<Controller> controller_;
  LoopState& state_;
  SubsystemView& view_;
  std::deque<Item> items_;
  std::size_t left_ = 1;
  bool ok_ = true;
};

}  // namespace weft::target
