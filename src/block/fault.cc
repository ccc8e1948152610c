#include "block/fault.h"

#include <fmt/format.h>

#include "base/check.h"
#include "block/completions.h"

namespace weft::block {

namespace {

class FaultChannel final : public FilterChannel<ChildRequest> {
 public:
  FaultChannel(Loop& loop, FaultBackend& backend, Backend& lower)
      : FilterChannel(loop, lower), backend_(backend), failed_(loop) {}

  void submit(Request& request) override {
    if (const int error = backend_.verdict(request); error != 0) return failed_.add(request, error);
    pass_down(adopt(request));
  }

 private:
  FaultBackend& backend_;
  Completions failed_;
};

}  // namespace

FaultBackend::FaultBackend(std::shared_ptr<Backend> lower_backend)
    : FilterBackend(std::move(lower_backend)) {}

std::unique_ptr<Channel> FaultBackend::open_channel(Loop& loop) {
  return std::make_unique<FaultChannel>(loop, *this, lower());
}

std::string FaultBackend::info() const {
  return fmt::format("fault ({} failed) of {}", failed(), lower().info());
}

void FaultBackend::plan(const Fault& fault) {
  WEFT_CHECK(fault.error != 0);
  const std::scoped_lock lock(mutex_);
  faults_.push_back(fault);
  planned_.store(true, std::memory_order_release);
}

void FaultBackend::clear() {
  const std::scoped_lock lock(mutex_);
  faults_.clear();
  planned_.store(false, std::memory_order_release);
}

int FaultBackend::verdict(const Request& request) {
  if (!planned_.load(std::memory_order_acquire)) return 0;
  const std::scoped_lock lock(mutex_);
  for (Fault& fault : faults_) {
    if (!fault.match.covers(request)) continue;
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    if (fault.count == 0) continue;
    --fault.count;
    failed_.fetch_add(1, std::memory_order_relaxed);
    return fault.error;
  }
  return 0;
}

}  // namespace weft::block
