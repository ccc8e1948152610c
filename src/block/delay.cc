#include "block/delay.h"

#include <fmt/format.h>

#include "base/check.h"

namespace weft::block {

namespace {

struct DelayedRequest : ChildRequest {
  static void expired(Timer& timer) noexcept;
  struct Latency : Timer {
    explicit Latency(DelayedRequest& of) : Timer(&DelayedRequest::expired), request(of) {}
    DelayedRequest& request;
  };
  Latency latency{*this};
};

}  // namespace

class DelayChannel final : public FilterChannel<DelayedRequest>, public ListHook<> {
 public:
  DelayChannel(Loop& loop, DelayBackend& backend, Backend& lower_backend)
      : FilterChannel(loop, lower_backend), backend_(backend) {
    const std::scoped_lock lock(backend_.mutex_);
    backend_.channels_.push_back(*this);
  }
  ~DelayChannel() override {
    const std::scoped_lock lock(backend_.mutex_);
    WEFT_CHECK(held_.empty() && released_.empty(), "a channel ends with nothing in flight");
    backend_.channels_.erase(backend_.channels_.iterator_to(*this));
  }

  void submit(Request& request) override {
    DelayedRequest& child = adopt(request);
    if (backend_.holding_.load(std::memory_order_acquire) && hold(child)) return;
    const Duration latency{backend_.latency_ns_.load(std::memory_order_relaxed)};
    if (latency == Duration::zero()) return pass_down(child);
    loop().arm(child.latency, latency);
  }

  void go_on(DelayedRequest& child) { pass_down(child); }

  // With the backend's lock held.  What is posted finds a request in flight, so the channel still there.
  void release() {
    if (held_.empty()) return;
    released_.splice(released_.end(), held_);
    if (!send_down_.is_posted()) loop().post(send_down_);
  }

 private:
  bool hold(DelayedRequest& child) {
    const std::scoped_lock lock(backend_.mutex_);
    if (!backend_.match_ || !backend_.match_->covers(child)) return false;
    held_.push_back(child);
    backend_.held_.fetch_add(1, std::memory_order_release);
    return true;
  }

  void send_down() {
    List<Request> now;
    {
      const std::scoped_lock lock(backend_.mutex_);
      now.swap(released_);
    }
    while (!now.empty()) {
      auto& child = static_cast<DelayedRequest&>(now.front());
      now.pop_front();
      backend_.held_.fetch_sub(1, std::memory_order_release);
      pass_down(child);
    }
  }

  DelayBackend& backend_;
  List<Request> held_;  // under the backend's lock, as is released_
  List<Request> released_;
  MemberTask<DelayChannel, &DelayChannel::send_down> send_down_{*this};
};

namespace {

void DelayedRequest::expired(Timer& timer) noexcept {
  DelayedRequest& request = static_cast<Latency&>(timer).request;
  auto* base = static_cast<FilterChannel<DelayedRequest>*>(request.channel);
  static_cast<DelayChannel*>(base)->go_on(request);
}

}  // namespace

DelayBackend::DelayBackend(std::shared_ptr<Backend> lower_backend)
    : FilterBackend(std::move(lower_backend)) {}

DelayBackend::~DelayBackend() {
  WEFT_CHECK(channels_.empty(), "channels end before their backend");
}

std::unique_ptr<Channel> DelayBackend::open_channel(Loop& loop) {
  return std::make_unique<DelayChannel>(loop, *this, lower());
}

std::string DelayBackend::info() const {
  return fmt::format("delay ({} held) of {}", held(), lower().info());
}

void DelayBackend::hold(const Match& match) {
  const std::scoped_lock lock(mutex_);
  match_ = match;
  holding_.store(true, std::memory_order_release);
}

void DelayBackend::stop_holding() {
  const std::scoped_lock lock(mutex_);
  match_.reset();
  holding_.store(false, std::memory_order_release);
}

void DelayBackend::release() {
  const std::scoped_lock lock(mutex_);
  match_.reset();
  holding_.store(false, std::memory_order_release);
  for (DelayChannel& channel : channels_) channel.release();
}

}  // namespace weft::block
