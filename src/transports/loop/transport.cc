#include "transports/loop/transport.h"

#include <cerrno>

#include "base/call.h"
#include "base/check.h"
#include "base/run_on.h"
#include "transports/loop/host_end.h"
#include "transports/loop/shared.h"

namespace weft::loop {

namespace {

class LoopListener final : public fabric::Listener {
 public:
  LoopListener(Shared& shared, std::shared_ptr<Origin> origin)
      : shared_(shared), origin_(std::move(origin)) {}

  // Nobody refers to the acceptor for a new connection once each loop has had its turn.
  ~LoopListener() override {
    {
      const std::scoped_lock lock(shared_.mutex);
      shared_.origin = nullptr;
    }
    origin_->closed.store(true, std::memory_order_release);
    for (const auto& home : shared_.homes) run_on(home->loop, [] {});
  }
  std::string traddr() const override { return {}; }
  std::string trsvcid() const override { return {}; }

 private:
  Shared& shared_;
  const std::shared_ptr<Origin> origin_;
};

}  // namespace

LoopTransport::LoopTransport(Loops& loops) : shared_(new Shared(loops)) {}

LoopTransport::~LoopTransport() {
  WEFT_CHECK(connections() == 0, "connections end before their transport");
}

Result<fabric::ListenOptions> LoopTransport::canonical(const fabric::ListenOptions& options) const {
  if (!options.traddr.empty() || !options.trsvcid.empty())
    return fail(EINVAL, "a loop port has no address and no service id: leave them empty");
  return fabric::ListenOptions{};
}

Result<std::unique_ptr<fabric::Listener>> LoopTransport::listen(const fabric::ListenOptions& options,
                                                                fabric::Acceptor& acceptor) {
  if (const auto right = canonical(options); !right) return std::unexpected(right.error());
  const std::scoped_lock lock(shared_->mutex);
  if (shared_->origin != nullptr) return fail(EADDRINUSE, "loop: there is one listener of a process already");
  shared_->origin = std::make_shared<Origin>(acceptor);
  return std::make_unique<LoopListener>(*shared_, shared_->origin);
}

std::unique_ptr<fabric::HostConnection> LoopTransport::connect(Loop& loop, const fabric::ConnectOptions&,
                                                               fabric::HostConnectionOwner& owner) {
  return std::make_unique<HostEnd>(*shared_, loop, owner);
}

void LoopTransport::shut_down() {
  for (const auto& home : shared_->homes) {
    post_call(home->loop, [its = home.get()] {
      for (auto at = its->ends.begin(); at != its->ends.end();) {
        TargetEnd& end = *at++;
        end.close(fabric::CloseReason::shutdown);
      }
    });
  }
}

std::uint32_t LoopTransport::connections() const {
  return shared_->connections.load(std::memory_order_acquire);
}

}  // namespace weft::loop
