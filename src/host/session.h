// A controller for programs that wait: each call blocks until the command has ended.  A command whose
// connection is lost is lost; who wants it sent again has a Namespace.
//
// Several threads may use one session at once.  Never on a loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

#include "base/result.h"
#include "host/controller.h"

namespace weft::host {

class Session final : private ControllerObserver {
 public:
  // Called on the controller's loop; must not block.
  using OnEvent = std::function<void(const wire::AsyncEvent&)>;

  // Returns when the controller is live, or why it is not.  Loops and initiator outlive the session.
  static Result<std::unique_ptr<Session>> connect(Loops& loops, fabric::Initiator& initiator,
                                                  const Options& options, OnEvent on_event = {});
  // Shuts the controller down.  No call is running.
  ~Session();
  // Begins with that.  Any thread.
  void stop() { controller_.stop(); }

  // As of the first time that it was live.
  const wire::IdentifyController& identity() const { return identity_; }
  const wire::Cap& capabilities() const { return capabilities_; }
  wire::Version version() const { return version_; }
  Cntlid cntlid() const { return cntlid_; }
  std::uint32_t max_transfer_bytes() const { return max_transfer_bytes_; }
  const Options& options() const { return controller_.options(); }

  // For commands that somebody embeds, on the queues' loops.
  Queue& admin_queue() { return controller_.admin_queue(); }
  std::size_t io_queues() const { return controller_.io_queues(); }
  Queue& io_queue(std::size_t index) { return controller_.io_queue(index); }

  // The errors name the command and its status.
  Result<wire::Cqe> admin(const wire::Sqe& sqe, std::span<std::byte> data = {});
  Result<wire::Cqe> io(const wire::Sqe& sqe, std::span<std::byte> data = {}, std::size_t queue = 0);

  // How often it was lost and came back, and why the last time.
  struct Losses {
    unsigned count = 0;
    Error last;
  };
  Losses losses() const;
  // Whether it has gone for good.
  bool is_gone() const;

 private:
  Session(Loops& loops, fabric::Initiator& initiator, const Options& options, OnEvent on_event);
  void on_live() override;
  void on_lost(const Error& why) override;
  void on_event(const wire::AsyncEvent& event) override;
  void on_gone(const Error& why) override;

  Loops& loops_;
  Controller controller_;
  const OnEvent on_event_;
  wire::IdentifyController identity_{};
  wire::Cap capabilities_;
  wire::Version version_;
  Cntlid cntlid_;
  std::uint32_t max_transfer_bytes_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool was_live_ = false;
  bool gone_ = false;
  Error why_;
  Losses losses_;
};

}  // namespace weft::host
