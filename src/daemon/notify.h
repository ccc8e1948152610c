// What systemd wants to know of a service (sd_notify(3)); nothing happens where it did not start the process
// or the library is missing.
#pragma once

namespace weft::daemon {

void notify_ready();
void notify_reloading();
void notify_stopping();

}  // namespace weft::daemon
