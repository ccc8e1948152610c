// What systemd wants to know of a service (sd_notify(3)); nothing happens where it did not start the process
// or the library is missing.
#pragma once

#include <optional>

#include "base/loop.h"

namespace weft::daemon {

void notify_ready();
void notify_reloading();
void notify_stopping();
// How often it wants to hear notify_alive() at least (WatchdogSec=); empty: it does not.
std::optional<Duration> watchdog_time();
void notify_alive();

}  // namespace weft::daemon
