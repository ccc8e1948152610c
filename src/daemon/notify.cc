#include "daemon/notify.h"

#ifdef WEFT_HAVE_SYSTEMD

#include <systemd/sd-daemon.h>
#include <time.h>

namespace weft::daemon {

void notify_ready() {
  sd_notify(0, "READY=1");
}

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
             static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000);
}

void notify_stopping() {
  sd_notify(0, "STOPPING=1");
}

std::optional<Duration> watchdog_time() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

void notify_alive() {
  sd_notify(0, "WATCHDOG=1");
}

}  // namespace weft::daemon

#else

namespace weft::daemon {

void notify_ready() {}
void notify_reloading() {}
void notify_stopping() {}
std::optional<Duration> watchdog_time() {
  return std::nullopt;
}
void notify_alive() {}

}  // namespace weft::daemon

#endif
