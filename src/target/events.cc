#include "target/events.h"

#include <algorithm>

#include "base/reached.h"
#include "target/controller.h"
#include "target/queue.h"

namespace weft::target {

namespace {
constexpr std::size_t kMaxChanged = 1024;  // entries of the log page

void forget(Request& request) {
  request.queue.controller().events().remove_request(request);
}
}  // namespace

void Events::add_request(Request& request) {
  if (requests_.size() >= kMaxRequests) {
    WEFT_REACHED("target.too_many_event_requests");
    request.complete(wire::status::kAsyncEventLimitExceeded.with_dnr());
    return;
  }
  request.park(&forget);
  requests_.push_back(&request);
  send();
}

void Events::remove_request(Request& request) {
  std::erase(requests_, &request);
}

void Events::raise(wire::AsyncEvent event) {
  Kind& kind = kind_of(event);
  if (kind.pending || kind.sent) return;
  kind.pending = true;
  send();
}

// What waits to be sent is told by the page that was just read.
void Events::log_read(wire::LogId log) {
  for (Kind& kind : kinds_) {
    if (kind.event.log_page != log) continue;
    kind.pending = false;
    kind.sent = false;
  }
}

void Events::note_changed(Nsid nsid) {
  if (changed_overflow_) return;
  const auto place = std::ranges::lower_bound(changed_, nsid);
  if (place != changed_.end() && *place == nsid) return;
  if (changed_.size() == kMaxChanged) {
    WEFT_REACHED("target.too_many_changed_namespaces");
    changed_overflow_ = true;
    changed_.clear();
    return;
  }
  changed_.insert(place, nsid);
}

std::vector<Nsid> Events::take_changed(bool clear) {
  std::vector<Nsid> changed = changed_overflow_ ? std::vector<Nsid>{kAllNamespaces} : changed_;
  if (clear) {
    changed_.clear();
    changed_overflow_ = false;
  }
  return changed;
}

Events::Kind& Events::kind_of(wire::AsyncEvent event) {
  const auto known = std::ranges::find(kinds_, event, &Kind::event);
  if (known != kinds_.end()) return *known;
  kinds_.push_back({.event = event});
  return kinds_.back();
}

void Events::send() {
  for (Kind& kind : kinds_) {
    if (!kind.pending) continue;
    if (requests_.empty()) return;
    Request& request = *requests_.front();
    requests_.erase(requests_.begin());
    kind.pending = false;
    kind.sent = true;
    request.state = Request::State::running;
    request.complete_result(kind.event.encode());
  }
}

}  // namespace weft::target
